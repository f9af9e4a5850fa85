"""Every question of ours fits Linear's schema: the part that the tests hold, and the whole one."""

import os
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_required_argument,
    is_required_input_field,
    parse,
    validate,
)

from apps.exports.trackers.linear.api import OPERATIONS
from tests.stubs.linear.server import SCHEMA

#: The whole schema is Linear's own and not kept here.
WHOLE = Path(
    os.environ.get("LINEAR_SCHEMA")
    or Path(__file__).parents[3] / "shared/data/linear/schema.graphql"
)


@pytest.fixture(scope="module")
def whole() -> GraphQLSchema:
    if not WHOLE.exists():
        # A megabyte that is Linear's, and not ours to keep. Our own part of it is tested everywhere.
        pytest.skip("LINEAR_SCHEMA names no file with Linear's whole schema")
    return build_schema(WHOLE.read_text(), assume_valid_sdl=True)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_question_fits_the_part_that_is_kept(operation):
    document = parse(OPERATIONS[operation])

    assert document.definitions[0].name.value == operation
    assert validate(SCHEMA, document) == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_question_fits_the_whole_schema(operation, whole):
    assert validate(whole, parse(OPERATIONS[operation])) == []


def test_the_part_that_is_kept_is_a_part_of_the_whole(whole):
    ours = [kind for name, kind in SCHEMA.type_map.items() if not name.startswith("__")]

    assert [problem for kind in ours for problem in differences(kind, whole)] == []


def differences(ours: GraphQLNamedType, whole: GraphQLSchema) -> list[str]:
    theirs = whole.type_map.get(ours.name)
    if type(theirs) is not type(ours):
        return [f"{ours.name} is {theirs!r} there"]
    if isinstance(ours, GraphQLEnumType):
        return [f"{ours.name}.{name}" for name in ours.values if name not in theirs.values]
    if not isinstance(ours, GraphQLObjectType | GraphQLInputObjectType):
        return []
    found = [
        f"{ours.name}.{name}"
        for name, field in ours.fields.items()
        if name not in theirs.fields or str(theirs.fields[name].type) != str(field.type)
    ]
    if isinstance(ours, GraphQLInputObjectType):
        return found + [
            f"{ours.name}.{name} is required there"
            for name, field in theirs.fields.items()
            if is_required_input_field(field) and name not in ours.fields
        ]
    return found + [
        f"{ours.name}.{name}({argument})"
        for name, field in ours.fields.items()
        if name in theirs.fields
        for argument in {**field.args, **theirs.fields[name].args}
        if _differs(field.args.get(argument), theirs.fields[name].args.get(argument))
    ]


def _differs(ours, theirs) -> bool:
    if ours is None:
        return is_required_argument(theirs)
    return theirs is None or str(ours.type) != str(theirs.type)
