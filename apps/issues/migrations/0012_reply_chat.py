from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def fill(apps, schema_editor):
    """Where a chat has had several ids, nobody knows which of them a reply's number belongs to."""
    Chat = apps.get_model("sources", "Chat")
    ids = Chat.objects.filter(pk=OuterRef("chat"), aliases=None).values("external_id")
    replies = apps.get_model("issues", "StatusReply").objects.exclude(message_id="")
    replies.filter(chat__aliases=None).update(chat_external_id=Subquery(ids))


class Migration(migrations.Migration):
    dependencies = [("issues", "0011_replies"), ("sources", "0008_chat_states")]

    operations = [
        migrations.AddField(
            model_name="statusreply",
            name="chat_external_id",
            field=models.CharField(blank=True, default="", editable=False, max_length=200),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
