from uuid import UUID

import pytest
from billing_kernel.ids import InvalidId, decode, encode, uuid7
from hypothesis import given
from hypothesis import strategies as st

# From the vectors of the TypeID specification.
VECTORS = [
    ("", "00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
    ("", "0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a"),
    ("", "0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
    ("", "00000000000000000000000010", "00000000-0000-0000-0000-000000000020"),
    ("", "7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ("prefix", "prefix_0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
    ("prefix", "prefix_01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
    ("pre_fix", "pre_fix_00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
]
uuids = st.integers(0, 2**128 - 1).map(lambda number: UUID(int=number))
prefixes = st.from_regex(r"\A([a-z]([a-z_]{0,20}[a-z])?)?\Z")


@pytest.mark.parametrize(("prefix", "text", "uuid"), VECTORS)
def test_specification_vectors(prefix, text, uuid):
    assert encode(prefix, UUID(uuid)) == text
    assert decode(prefix, text) == UUID(uuid)


@given(prefixes, uuids)
def test_round_trip(prefix, uuid):
    assert decode(prefix, encode(prefix, uuid)) == uuid


@given(uuids, uuids)
def test_texts_sort_like_ids(left, right):
    assert (encode("sub", left) < encode("sub", right)) == (left < right)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sub_",
        "sub_01h455vb4pex5vsknk084sn02",
        "sub_01h455vb4pex5vsknk084sn02qq",
        "sub_81h455vb4pex5vsknk084sn02q",
        "sub_01H455VB4PEX5VSKNK084SN02Q",
        "sub_01h455vb4pex5vsknk084sn02u",
        "sub_01h455vb4pex5vsknk084sn0é2",
        "cus_01h455vb4pex5vsknk084sn02q",
        "sub-01h455vb4pex5vsknk084sn02q",
        "01h455vb4pex5vsknk084sn02q",
        " sub_01h455vb4pex5vsknk084sn02q",
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(InvalidId):
        decode("sub", text)


@pytest.mark.parametrize("prefix", ["Sub", "1ab", "_a", "a_", "a-b", "a" * 64, "é"])
def test_bad_prefixes_are_refused(prefix):
    with pytest.raises(InvalidId):
        encode(prefix, UUID(int=0))


def test_uuid7_has_time_version_and_variant():
    uuid = uuid7(0x0123456789AB)
    assert (uuid.int >> 80, uuid.version, uuid.variant) == (0x0123456789AB, 7, "specified in RFC 4122")
    assert uuid7(1) < uuid7(2) < uuid7()
    assert len({uuid7(5) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("now_ms", [-1, 2**48])
def test_uuid7_refuses_times_beyond_48_bits(now_ms):
    with pytest.raises(InvalidId):
        uuid7(now_ms)
