from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("chat_messages", "0011_what_hangs_on_messages"),
        ("sources", "0008_chat_states"),
    ]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="status",
            field=models.CharField(
                choices=[
                    ("received", "Received"),
                    ("unsure", "Unsure"),
                    ("actionable", "Reports something"),
                    ("follow_up", "Adds to a report"),
                    ("filed", "Filed"),
                    ("noise", "Nothing to do"),
                    ("failed", "Failed"),
                    ("held", "Waits for a yes to its chat"),
                ],
                default="received",
                max_length=12,
                verbose_name="status",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["chat", "topic"],
                name="message_held",
                condition=models.Q(("status", "held")),
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["chat", "album"],
                name="message_of_album",
                condition=models.Q(("album", ""), _negated=True),
            ),
        ),
    ]
