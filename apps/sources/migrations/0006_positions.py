"""An offset is one word of Telegram's; other platforms say how far they were read in words of theirs."""

from django.db import migrations, models
from django.db.models import F
from django.db.models.functions import JSONObject


def carry_over(apps, schema_editor):
    sources = apps.get_model("sources", "Source").objects.exclude(cursor=0)
    sources.update(position=JSONObject(offset=F("cursor")))


def carry_back(apps, schema_editor):
    sources = apps.get_model("sources", "Source").objects.filter(position__has_key="offset")
    for source in sources.defer("config"):
        source.cursor = source.position["offset"]
        source.save(update_fields=["cursor"])


class Migration(migrations.Migration):

    dependencies = [
        ("sources", "0005_approves_history"),
    ]

    operations = [
        migrations.AddField(
            model_name="source",
            name="position",
            field=models.JSONField(default=dict, editable=False, verbose_name="read up to"),
        ),
        migrations.RunPython(carry_over, carry_back),
        migrations.RemoveField(model_name="source", name="cursor"),
    ]
