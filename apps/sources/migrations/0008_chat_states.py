"""A chat is read, left alone, or waits for a yes; what was monitored is read as before."""

import django.db.models.deletion
from django.db import migrations, models


def carry_over(apps, schema_editor):
    chats = apps.get_model("sources", "Chat").objects
    chats.filter(is_monitored=False).update(state="off")


def carry_back(apps, schema_editor):
    chats = apps.get_model("sources", "Chat").objects
    chats.exclude(state="on").update(is_monitored=False)


class Migration(migrations.Migration):

    dependencies = [
        ("sources", "0007_webhooks"),
    ]

    operations = [
        migrations.AddField(
            model_name="chat",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waits for your yes"),
                    ("on", "Read"),
                    ("off", "Left alone"),
                ],
                default="on",
                max_length=10,
                verbose_name="reading",
            ),
        ),
        migrations.RunPython(carry_over, carry_back),
        migrations.RemoveField(model_name="chat", name="is_monitored"),
        migrations.AddField(
            model_name="chat",
            name="bot_role",
            field=models.CharField(
                blank=True,
                default="",
                editable=False,
                max_length=20,
                verbose_name="the bot there",
            ),
        ),
        migrations.AddField(
            model_name="chat",
            name="bot_role_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="since"),
        ),
        migrations.AddField(
            model_name="project",
            name="keeps_waiting",
            field=models.BooleanField(
                default=False,
                help_text="They are read once you say yes to the chat, and deleted when you say no. Otherwise reading begins with your yes.",
                verbose_name="keep messages of chats that wait for a yes",
            ),
        ),
        migrations.CreateModel(
            name="ChatAlias",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("external_id", models.CharField(max_length=200)),
                (
                    "chat",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="aliases",
                        to="sources.chat",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="sources.source",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("source", "external_id"), name="one_chat_per_alias"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Topic",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "external_id",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Empty: what is in no topic, “General” in Telegram.",
                        max_length=200,
                        verbose_name="id at the platform",
                    ),
                ),
                (
                    "title",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="title"),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("inherit", "Like the chat"),
                            ("on", "Read"),
                            ("off", "Left alone"),
                        ],
                        default="inherit",
                        max_length=10,
                        verbose_name="reading",
                    ),
                ),
                (
                    "chat",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="topics",
                        to="sources.chat",
                        verbose_name="chat",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: like the chat.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="routed_topics",
                        to="sources.project",
                        verbose_name="routed to",
                    ),
                ),
            ],
            options={
                "verbose_name": "topic",
                "verbose_name_plural": "topics",
                "ordering": ["title", "external_id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("chat", "external_id"), name="one_topic_per_chat"
                    )
                ],
            },
        ),
    ]
