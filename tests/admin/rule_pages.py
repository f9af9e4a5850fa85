"""The pages of rules, as the tests open them."""

from django.urls import reverse

LIST = "admin:chat_messages_rule_changelist"
ADD = reverse("admin:chat_messages_rule_add")
TRY = reverse("admin:chat_messages_rule_try")
OUTAGE = "Прод лежить, 502 на всіх сторінках"


def page_of(rule):
    return reverse("admin:chat_messages_rule_change", args=[rule.pk])


def words(response):
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def post(client, values, address=ADD, language="en", **more):
    return client.post(address, {**values, **more}, headers={"Accept-Language": language})
