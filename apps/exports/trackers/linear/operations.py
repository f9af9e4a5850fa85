"""What Linear is asked, in its own language; tests check each operation against its schema."""

_STATE = """
        fragment State on Issue {
          id identifier url title updatedAt archivedAt trashed
          state { id name type }
          assignee { name }
        }
"""


def _list_of_team(operation: str, name: str, fields: str) -> str:
    return f"""
        query {operation}($id: String!, $after: String) {{
          team(id: $id) {{
            {name}(first: 250, after: $after) {{
              nodes {{ {fields} }}
              pageInfo {{ hasNextPage endCursor }}
            }}
          }}
        }}
    """


#: By the name of the operation. `$seen` is our team: Linear refuses what asks for one that is hidden from us,
#: and so an empty answer says that nothing has changed.
OPERATIONS = {
    "Account": """
        query Account {
          viewer { name }
          organization { name urlKey previousUrlKeys }
        }
    """,
    "Teams": """
        query Teams($after: String) {
          teams(first: 250, after: $after) {
            nodes { id key name }
            pageInfo { hasNextPage endCursor }
          }
        }
    """,
    "TeamStates": _list_of_team("TeamStates", "states", "id name"),
    "TeamLabels": _list_of_team("TeamLabels", "labels", "id name isGroup"),
    "TeamMembers": _list_of_team("TeamMembers", "members", "id name active"),
    "TeamProjects": _list_of_team("TeamProjects", "projects", "id name"),
    "Labels": """
        query Labels($after: String) {
          organization {
            labels(first: 250, after: $after) {
              nodes { id name isGroup }
              pageInfo { hasNextPage endCursor }
            }
          }
        }
    """,
    "Find": """
        query Find($ids: [ID!]!) {
          issues(filter: {id: {in: $ids}}, includeArchived: true, first: 50) {
            nodes { id identifier url }
          }
        }
    """,
    "Create": """
        mutation Create($input: IssueCreateInput!) {
          issueCreate(input: $input) { success issue { id identifier url } }
        }
    """,
    "CreateMany": """
        mutation CreateMany($input: IssueBatchCreateInput!) {
          issueBatchCreate(input: $input) { success issues { id identifier url } }
        }
    """,
    "Replace": """
        mutation Replace($id: String!, $input: IssueUpdateInput!) {
          issueUpdate(id: $id, input: $input) { success issue { id identifier url } }
        }
    """,
    "Closing": """
        query Closing($id: String!) {
          issue(id: $id) {
            state { type }
            team { states(first: 250) { nodes { id type } } }
          }
        }
    """,
    "Attach": """
        mutation Attach($input: AttachmentCreateInput!) {
          attachmentCreate(input: $input) { success attachment { id } }
        }
    """,
    "Attached": """
        query Attached($id: ID!) {
          attachments(filter: {id: {eq: $id}}, first: 1) { nodes { id url } }
        }
    """,
    "Detach": """
        mutation Detach($id: String!) {
          attachmentDelete(id: $id) { success }
        }
    """,
    "DeleteFile": """
        mutation DeleteFile($url: String!) {
          fileUploadDangerouslyDelete(assetUrl: $url) { success }
        }
    """,
    "Upload": """
        mutation Upload($contentType: String!, $filename: String!, $size: Int!) {
          fileUpload(contentType: $contentType, filename: $filename, size: $size) {
            success
            uploadFile { uploadUrl assetUrl contentType headers { key value } }
          }
        }
    """,
    "Note": """
        mutation Note($input: CommentCreateInput!) {
          commentCreate(input: $input) { success comment { id } }
        }
    """,
    "Noted": """
        query Noted($id: ID!) {
          comments(filter: {id: {eq: $id}}, first: 1) { nodes { id } }
        }
    """,
    "EditNote": """
        mutation EditNote($id: String!, $input: CommentUpdateInput!) {
          commentUpdate(id: $id, input: $input) { success comment { id } }
        }
    """,
    "Relations": """
        query Relations($id: String!, $after: String) {
          issue(id: $id) {
            relations(first: 100, after: $after) {
              nodes { id type relatedIssue { id identifier } }
              pageInfo { hasNextPage endCursor }
            }
          }
        }
    """,
    "Relate": """
        mutation Relate($input: IssueRelationCreateInput!) {
          issueRelationCreate(input: $input) { success issueRelation { id } }
        }
    """,
    "Unrelate": """
        mutation Unrelate($id: String!) {
          issueRelationDelete(id: $id) { success }
        }
    """,
    "Changed": """
        query Changed($since: DateTimeOrDuration!, $team: ID!, $seen: String!, $after: String) {
          team(id: $seen) { id }
          issues(
            filter: {updatedAt: {gte: $since}, team: {id: {eq: $team}}}
            sort: [{updatedAt: {order: Ascending}}]
            includeArchived: true
            first: 50
            after: $after
          ) {
            nodes { ...State }
            pageInfo { hasNextPage endCursor }
          }
        }
    """
    + _STATE,
    "States": """
        query States($ids: [ID!]!) {
          issues(filter: {id: {in: $ids}}, includeArchived: true, first: 50) {
            nodes { ...State }
          }
        }
    """
    + _STATE,
    "Webhooks": """
        query Webhooks($after: String) {
          webhooks(first: 100, after: $after) {
            nodes { id url team { id } }
            pageInfo { hasNextPage endCursor }
          }
        }
    """,
    "Subscribe": """
        mutation Subscribe($input: WebhookCreateInput!) {
          webhookCreate(input: $input) { success webhook { id } }
        }
    """,
    "Resubscribe": """
        mutation Resubscribe($id: String!, $input: WebhookUpdateInput!) {
          webhookUpdate(id: $id, input: $input) { success webhook { id } }
        }
    """,
    "Unsubscribe": """
        mutation Unsubscribe($id: String!) {
          webhookDelete(id: $id) { success }
        }
    """,
}

#: Those of which nobody knows what they did when they are not answered.
CHANGES = frozenset(
    name for name, words in OPERATIONS.items() if words.lstrip().startswith("mutation")
)
AT_ONCE = 50  # issues in one operation
