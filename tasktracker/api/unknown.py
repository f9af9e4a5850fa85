"""Every address under /api/ that is none."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView


@extend_schema(exclude=True)
class _UnknownAddress(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        raise NotFound


_refuse = _UnknownAddress.as_view()


@csrf_exempt
def unknown_address(request: HttpRequest) -> HttpResponseBase:
    """A plain function: the framework's pages would link to a view of theirs, which is only a 404."""
    return _refuse(request)
