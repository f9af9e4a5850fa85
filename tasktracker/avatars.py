"""/avatars/<source>/<author id>: the picture of somebody who wrote in a project of the reader's."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.messages.models import Message
from apps.sources.avatars import kind_of, picture_of
from apps.sources.models import Author, Project, Source


@require_safe
def avatar(request: HttpRequest, source_id: int, author_id: str) -> HttpResponse:
    """404 also for whom the reader may not see: pages show initials then."""
    wrote = Message.objects.filter(
        source=source_id, author_id=author_id, project__in=Project.visible_to(request.user)
    )
    if not wrote.exists() or _wants_no_picture(source_id, author_id):
        raise Http404
    picture = picture_of(Source.objects.get(pk=source_id), author_id)
    if not picture:
        raise Http404
    answer = HttpResponse(picture, content_type=kind_of(picture))
    answer["Cache-Control"] = "private, max-age=3600"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _wants_no_picture(source_id: int, author_id: str) -> bool:
    rows = Author.objects.filter(source=source_id, external_id=author_id)
    return rows.filter(opted_out_at__isnull=False).exists()
