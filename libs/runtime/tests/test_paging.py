from uuid import UUID

import pytest
from billing_runtime import paging
from google.protobuf.wrappers_pb2 import StringValue
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_a_token_gives_its_key_back(key):
    assert paging.key_of(paging.token_of(*key), len(key)) == tuple(key)


@pytest.mark.parametrize(
    "token", ["x", "!!!!", "WzFd", "bnVsbA", paging.token_of("a", "b"), paging.token_of("a") + "=", "ä"]
)
def test_foreign_tokens_are_refused(token):
    with pytest.raises(paging.InvalidPageToken):
        paging.key_of(token)


def test_a_token_of_another_list_is_refused():
    with pytest.raises(paging.InvalidPageToken):
        paging.uuid_of(paging.token_of("not a uuid"))


def text(number):
    return StringValue(value=str(number))


def test_pages():
    one, two = StringValue(value="1"), StringValue(value="2")
    assert paging.page_of([1, 2, 3], 2, str, text) == ([one, two], paging.token_of("2"))
    assert paging.page_of([1, 2], 2, str, text) == ([one, two], "")
    assert paging.uuid_of("") is None
    assert paging.uuid_of(paging.token_of(str(UUID(int=7)))) == UUID(int=7)
    assert [paging.page_size(n) for n in (0, 1, 10**9)] == [100, 1, 1000]


@pytest.mark.parametrize(
    ("lengths", "size", "count"),
    [
        ([1, 1, 1], 2, 2),
        ([1, 1], 2, 2),
        ([], 2, 0),
        ([2 << 20, 2 << 20, 1], 9, 1),
        ([4 << 20, 1], 9, 1),
        ([1, 2 << 20], 9, 2),
    ],
)
def test_a_page_ends_by_count_or_by_bytes(lengths, size, count):
    messages, token = paging.page_of(lengths, size, str, lambda length: StringValue(value="x" * length))
    assert len(messages) == count
    assert token == (paging.token_of(str(lengths[count - 1])) if count < len(lengths) else "")
