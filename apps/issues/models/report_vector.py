"""The vectors of reports with what the search for duplicates filters by, side by side in one narrow row."""

from django.db import models
from pgvector.django import HalfVectorField


class ReportVector(models.Model):
    """A copy of an evidence's vector with its issue's state, so that the search needs no joins.

    Triggers write it (migration 0006): however evidence, issues and vectors change, it follows, and it
    goes with them. Nobody else writes here, so its columns are plain numbers without relations.
    """

    embedding_id = models.BigIntegerField(primary_key=True)
    evidence_id = models.BigIntegerField(db_index=True)
    issue_id = models.BigIntegerField(db_index=True)
    project_id = models.BigIntegerField()
    model = models.CharField(max_length=100)
    level = models.CharField(max_length=10)
    sent_at = models.DateTimeField()
    is_open = models.BooleanField()
    closed_at = models.DateTimeField(null=True)  # done or rejected since then
    vector = HalfVectorField()

    class Meta:
        default_permissions = ()  # nobody looks at it
        indexes = [
            models.Index(
                fields=["project_id", "model", "sent_at"],
                name="report_vector_open",
                condition=models.Q(is_open=True),
            ),
            models.Index(
                fields=["project_id", "model", "closed_at"],
                name="report_vector_closed",
                condition=models.Q(closed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.evidence_id} {self.model}"
