"""The product's site with one more address, `/row`: a view that writes one row, to compare the webhook with."""

import json

from tasktracker.asgi import application as application  # isort: skip - sets Django up

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from apps.sources.models import DeadLetter
from tasktracker import urls


@csrf_exempt
def write_row(request: HttpRequest) -> JsonResponse:
    """What anybody would write first: read the JSON, keep it, say so after the commit."""
    update = json.loads(request.body)
    DeadLetter.objects.create(
        subject="benchmark", sequence=update["update_id"], payload=request.body, reason="benchmark"
    )
    return JsonResponse({"status": "ok"})


urls.urlpatterns.append(path("row", write_row))
