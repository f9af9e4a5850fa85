"""For servers that only speak WSGI; websockets need asgi.py."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tasktracker.settings.dev")
application = get_wsgi_application()
