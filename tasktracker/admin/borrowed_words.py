"""Words of others that have no Ukrainian, listed so that `make messages` keeps ours.

django-unfold ships no catalogue at all, Django and the REST framework incomplete ones, and the forms
of plug-ins make labels out of their fields' names. Gettext finds these texts in our catalogue by the
words themselves. What our pages do not show (Unfold's editors, import, object permissions) is left out.
"""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext_lazy

#: Of the scripts of Django's admin; `tasktracker.admin.site` hands them to the browser.
SCRIPTS = (
    gettext_noop("Choose all %s"),
    gettext_noop("Choose selected %s"),
    gettext_noop('Choose %s by selecting them and then select the "Choose" arrow button.'),
    gettext_noop("Remove all %s"),
    gettext_noop("Remove selected %s"),
    gettext_noop('Remove %s by selecting them and then select the "Remove" arrow button.'),
    gettext_noop("(click to clear)"),
)
DJANGO = (
    # Django has Ukrainian for these, which speaks to men only or needs a case that a name has not.
    _("Yes, I’m sure"),
    _(" By %(filter_title)s "),
)
PLUG_IN_SETTINGS = (
    _("Bot token"),
    _("Mode"),
    _("polling"),
    _("webhook"),
    _("Signing secret"),
    _("App token"),
    _("xapp-…; for Socket Mode, which needs no public address."),
    _("xoxb-…; for names, and for what was said during an outage."),
    _("For events that Slack posts to this server."),
    _("Workspace id"),
    _("Empty: every workspace that has the app."),
    _("signature"),
    _("bearer"),
    _("body"),
    _("ssl"),
    _("starttls"),
    _("none"),
    _("markdown"),
    _("textile"),
)
UNFOLD = (
    _("Welcome back to"),
    _("Welcome"),
    _("Return to site"),
    _("Forgotten your password or username?"),
    _("Toggle password visibility"),
    _("You have been successfully logged out from the administration"),
    _("Go back"),
    _("Search apps and models..."),
    _("Type to search"),
    _("Recent searches"),
    _("No recent searches"),
    _("No results matching your query"),
    _("Loading more results..."),
    _("All applications"),
    _("Light"),
    _("Dark"),
    _("System"),
    _("General"),
    _("Select record"),
    _("Select all rows"),
    _("Select action"),
    _("Select action to run"),
    _("Select value"),
    _("Run"),
    _("More actions"),
    _("Expand row"),
    _("Apply Filters"),
    _("Reset filters"),
    _("Value"),
    _("From"),
    _("To"),
    _("Date from"),
    _("Date to"),
    _("Not enough data."),
    _("No data"),
    _("No results found"),
    _("Previous"),
    _("Next"),
    _("True"),
    _("False"),
    _("Cancel"),
    _("Date"),
    _("Add row"),
    _("This item will be deleted."),
    _("Click to cancel"),
    _("Record picture"),
    _("Image preview"),
    _("Click to download"),
    _("Choose file to upload"),
    _("After you've created a user, you’ll be able to edit more user options."),
    _(
        "Raw passwords are not stored, so there is no way to see this user’s password, but you can"
        ' change the password using <a href="{}" class="text-primary-600 dark:text-primary-500">'
        "this form</a>."
    ),
)
REST_FRAMEWORK = (
    _("Invalid input."),
    _("Not a valid string."),
    _("Must be a valid boolean."),
    _("Must be a valid UUID."),
    _('Enter a valid "slug" consisting of Unicode letters, numbers, underscores, or hyphens.'),
    _("Ensure this field has no more than {max_length} elements."),
    _("Ensure this field has at least {min_length} elements."),
    _("A valid biginteger is required."),
    _('Invalid datetime for the timezone "{timezone}".'),
    _("Datetime value out of range."),
    _("This dictionary may not be empty."),
    _("Surrogate characters are not allowed: U+{code_point:X}."),
    _("Extra Actions"),
    ngettext_lazy(
        "Expected available in {wait} second.", "Expected available in {wait} seconds.", "wait"
    ),
)
