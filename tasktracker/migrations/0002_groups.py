"""Two groups to start with: who looks, and who decides. Administrators may change them."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

LOOK = [
    "sources.view_project",
    "sources.view_source",
    "sources.view_chat",
    "sources.view_deadletter",
    "chat_messages.view_message",
    "issues.view_issue",
    "exports.view_tracker",
    "exports.view_taskexport",
]
DECIDE = [
    "sources.add_source",
    "sources.change_source",
    "sources.add_chat",
    "sources.change_chat",
    "sources.change_deadletter",
    "chat_messages.change_message",
    "issues.add_issue",
    "issues.change_issue",
    "exports.add_tracker",
    "exports.change_tracker",
    "exports.change_taskexport",
]
GROUPS = {"Viewer": LOOK, "Operator": LOOK + DECIDE}


def make_groups(apps, schema_editor):
    """Permissions are made after all migrations, which is too late here, so they are made now."""
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for label in {name.partition(".")[0] for name in LOOK + DECIDE}:
        config = apps.get_app_config(label)
        if not getattr(config, "models_module", None):
            config.models_module = True  # a migration's stub; without it nothing is made
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
        ("tasktracker", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sources", "0001_initial"),
        ("chat_messages", "0001_initial"),
        ("issues", "0001_initial"),
        ("exports", "0001_initial"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
