"""A project that nobody sees and that goes away afterwards."""

import secrets

from apps.sources.models import Project, Source


def scratch_source(kind: str = "file_import") -> Source:
    """A source in a project of its own; delete the project when done."""
    name = f"evaluation {secrets.token_hex(4)}"
    project = Project.objects.create(
        name=name, slug=name.replace(" ", "-"), policy=Project.Policy.CASCADE
    )
    return Source.objects.create(project=project, kind=kind, name=name)
