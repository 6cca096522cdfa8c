"""Columns of ids are what their ids are one by one."""

from uuid import NAMESPACE_URL, RFC_4122, UUID, uuid5

from billing_kernel.id_columns import texts, typeids, uuid5s, uuid7s
from billing_kernel.ids import encode
from hypothesis import given
from hypothesis import strategies as st

columns = st.lists(st.uuids(), max_size=40)


@given(columns)
def test_typeids(uuids):
    assert typeids("sub", [each.bytes for each in uuids]) == [encode("sub", each).encode() for each in uuids]


@given(columns)
def test_texts(uuids):
    assert texts([each.bytes for each in uuids]) == [str(each).encode() for each in uuids]


@given(st.lists(st.text(), max_size=9))
def test_named_ids(names):
    expected = [uuid5(NAMESPACE_URL, name).bytes for name in names]
    assert uuid5s(NAMESPACE_URL, [name.encode() for name in names]) == expected


def test_fresh_ids_are_all_different_and_of_one_moment():
    made = [UUID(bytes=each) for each in uuid7s(1000)]
    assert len(set(made)) == 1000
    assert {(each.version, each.variant, each.int >> 80) for each in made} == {(7, RFC_4122, made[0].int >> 80)}
    assert uuid7s(0) == []
