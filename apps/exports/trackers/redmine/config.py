"""The settings of a Redmine tracker."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from apps.exports.trackers.asking import fits_a_header
from apps.exports.trackers.base import FIELDS, OFFERED
from tasktracker.lib.plugins import TOLD_SECRETS

PER_MINUTE = 120
LEAST_PER_MINUTE = 30  # one task takes six, and a question besides has to go on


class RedmineConfig(BaseModel):
    """Where Redmine is, who we are there, and what new issues have."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        title=gettext_noop("Address"),
        description=gettext_noop(
            "Of your Redmine, as https://redmine.example.com. One in your own network must be named in "
            "OUTBOUND_PRIVATE_HOSTS."
        ),
        json_schema_extra=TOLD_SECRETS,
    )
    api_key: Annotated[SecretStr, AfterValidator(fits_a_header)] = Field(
        SecretStr(""),
        title=gettext_noop("API key"),
        description=gettext_noop(
            "In Redmine: My account, API access key, Show. Save, and its projects are offered."
        ),
    )
    login: str = Field(
        "",
        title=gettext_noop("Login"),
        description=gettext_noop(
            "Instead of a key, with the password. While both are here, the key is not used."
        ),
    )
    password: SecretStr = Field(SecretStr(""), title=gettext_noop("Password"))
    switch_user: Annotated[str, AfterValidator(fits_a_header)] = Field(
        "",
        title=gettext_noop("Act for"),
        description=gettext_noop(
            "A login in whose name issues are made, with an administrator's key."
        ),
    )
    project: str = Field(
        "",
        title=gettext_noop("Project"),
        description=gettext_noop("Save, and what the project has is offered as well."),
        json_schema_extra=OFFERED,
    )
    tracker: str = Field("", title=gettext_noop("Tracker"), json_schema_extra=OFFERED)
    status: str = Field(
        "",
        title=gettext_noop("Status"),
        description=gettext_noop("Empty: where the tracker's new issues begin."),
        json_schema_extra=OFFERED,
    )
    category: str = Field("", title=gettext_noop("Category"), json_schema_extra=OFFERED)
    version: str = Field("", title=gettext_noop("Target version"), json_schema_extra=OFFERED)
    assignee: str = Field("", title=gettext_noop("Assignee"), json_schema_extra=OFFERED)
    priority_critical: str = Field(
        "",
        title=gettext_noop("Priority of critical issues"),
        description=gettext_noop(
            "Empty: the highest for critical, the next above the usual one for high, the usual one for "
            "medium, the lowest for low."
        ),
        json_schema_extra=OFFERED,
    )
    priority_high: str = Field(
        "", title=gettext_noop("Priority of high issues"), json_schema_extra=OFFERED
    )
    priority_medium: str = Field(
        "", title=gettext_noop("Priority of medium issues"), json_schema_extra=OFFERED
    )
    priority_low: str = Field(
        "", title=gettext_noop("Priority of low issues"), json_schema_extra=OFFERED
    )
    key_field: str = Field(
        "",
        title=gettext_noop("Field for our id"),
        description=gettext_noop(
            "A custom field of issues (Text, used as a filter, for all projects) in which we find again what "
            "we made. Without one the id stands invisibly in the description."
        ),
        json_schema_extra=OFFERED,
    )
    custom_fields: dict[str, str | list[str]] = Field(
        default={},
        title=gettext_noop("Values of custom fields"),
        description=gettext_noop('By the number of the field, as {"7": "Backend"}.'),
        json_schema_extra={"keys_from": FIELDS},
    )
    rejected_statuses: list[str] = Field(
        default=[],
        title=gettext_noop("Statuses that mean rejected"),
        description=gettext_noop("Empty: closed ones that are called so."),
        json_schema_extra=OFFERED,
    )
    text_format: Literal["markdown", "textile"] = Field(
        "markdown",
        title=gettext_noop("Text format"),
        description=gettext_noop(
            "As in Redmine: Administration, Settings, General, Text formatting."
        ),
    )
    calls_per_minute: int = Field(
        PER_MINUTE,
        ge=LEAST_PER_MINUTE,
        le=6000,
        title=gettext_noop("Calls per minute"),
        description=gettext_noop("At most that many, of all trackers of this Redmine together."),
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        try:
            parts = urlsplit(url.strip())
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.query:
            raise ValueError(_("An address begins with https://."))
        return url.strip().rstrip("/")

    @model_validator(mode="after")
    def _lets_us_in(self) -> "RedmineConfig":
        has_login = self.login and self.password.get_secret_value()
        if not self.api_key.get_secret_value() and not has_login:
            raise ValueError(_("An API key is missing, or a login with a password."))
        return self
