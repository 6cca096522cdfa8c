"""The contract of `Blobs`, run on obstore's stores and on the fake."""

import pytest
from billing_invoicing.clients.blobs import BlobsUnavailable, blobs_at
from billing_runtime.settings import SettingsRefused
from invoicing_fakes import FakeBlobs


class BlobsContract:
    async def test_nothing_there(self, blobs):
        assert await blobs.get("t/invoices/none.pdf") is None

    async def test_what_was_put_comes_back(self, blobs):
        await blobs.put("t/invoices/a.pdf", b"%PDF \x00\xff")
        assert await blobs.get("t/invoices/a.pdf") == b"%PDF \x00\xff"

    async def test_the_first_content_of_a_key_stays(self, blobs):
        await blobs.put("t/invoices/b.pdf", b"first")
        await blobs.put("t/invoices/b.pdf", b"second")
        assert await blobs.get("t/invoices/b.pdf") == b"first"

    async def test_empty_content(self, blobs):
        await blobs.put("t/e", b"")
        assert await blobs.get("t/e") == b""


class TestLocal(BlobsContract):
    @pytest.fixture
    def blobs(self, tmp_path):
        return blobs_at(f"file://{tmp_path}/deep/blobs")


class TestMemory(BlobsContract):
    @pytest.fixture
    def blobs(self):
        return blobs_at("memory://")


class TestFake(BlobsContract):
    @pytest.fixture
    def blobs(self):
        return FakeBlobs()


@pytest.mark.parametrize("url", ["", "blobs", "file://", "file:///", "ftp://host/x", "s3://"])
def test_a_url_that_names_no_store_is_refused(url):
    with pytest.raises(SettingsRefused):
        blobs_at(url)


def test_s3_needs_no_connection_to_start():
    assert blobs_at("s3://bucket/prefix") is not None


async def test_a_store_that_fails_is_unavailable(tmp_path):
    blobs = blobs_at(f"file://{tmp_path}/blobs")
    (tmp_path / "blobs" / "folder").write_text("a file where a folder should be")
    with pytest.raises(BlobsUnavailable):
        await blobs.put("folder/key", b"x")
