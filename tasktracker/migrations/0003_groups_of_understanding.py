"""The two groups and what the product learned to keep: who looks at it, and who edits it."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

LOOK = [
    "sources.view_glossaryterm",
    "chat_messages.view_rule",
]
EDIT = [
    f"{label}.{verb}_{model}"
    for label, model in (("sources", "glossaryterm"), ("chat_messages", "rule"))
    for verb in ("add", "change", "delete")
]
GROUPS = {"Viewer": LOOK, "Operator": LOOK + EDIT}


def make_groups(apps, schema_editor):
    """As in 0002: permissions are made now, not after all migrations."""
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for label in {name.partition(".")[0] for name in LOOK + EDIT}:
        config = apps.get_app_config(label)
        if not getattr(config, "models_module", None):
            config.models_module = True
        create_permissions(config, apps=apps, verbosity=0)
    for group_name, names in GROUPS.items():
        group, _is_new = Group.objects.get_or_create(name=group_name)
        for name in names:
            label, _dot, codename = name.partition(".")
            group.permissions.add(
                Permission.objects.get(content_type__app_label=label, codename=codename)
            )


class Migration(migrations.Migration):
    dependencies = [
        ("tasktracker", "0002_groups"),
        ("sources", "0002_understanding"),
        ("chat_messages", "0004_understanding"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
