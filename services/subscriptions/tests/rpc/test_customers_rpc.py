"""CustomersService over gRPC: every method, good and bad."""

import pytest
import subscriptions_requests as ask
from billing.common.v1 import collection_pb2, party_pb2, tax_facts_pb2
from billing.subscriptions.v1 import customer_pb2
from billing.subscriptions.v1 import customers_service_pb2 as pb
from billing_kernel.ids import decode, encode, uuid7
from google.protobuf.field_mask_pb2 import FieldMask

UNKNOWN = encode("cus", uuid7())
FR_VAT = tax_facts_pb2.TaxId(type=tax_facts_pb2.TAX_ID_TYPE_EU_VAT, value="FR40303265045")


def get(customer_id, *paths):
    return pb.GetCustomerRequest(customer_id=customer_id, read_mask=FieldMask(paths=paths))


def update(customer_id, paths, etag="", **change):
    mask = FieldMask(paths=paths)
    return pb.UpdateCustomerRequest(
        customer_id=customer_id, customer=pb.CustomerChange(**change), update_mask=mask, etag=etag
    )


async def test_a_created_customer_is_answered_whole(admin):
    request = ask.create_customer(
        external_id="acme",
        tax_ids=[FR_VAT],
        time_zone="Europe/Paris",
        collection_method=collection_pb2.COLLECTION_METHOD_SEND,
        net_terms_days=30,
        seller_id=encode("sel", uuid7()),
        metadata={"tier": "gold"},
    )
    made = (await admin.customers("CreateCustomer", request)).customer
    assert made.party == ask.PARTY
    assert (made.external_id, list(made.tax_ids), made.time_zone) == ("acme", [FR_VAT], "Europe/Paris")
    assert (made.net_terms_days, made.seller_id, dict(made.metadata)) == (30, request.seller_id, {"tier": "gold"})
    assert (made.party_version, made.etag, made.state) == (1, "v1", customer_pb2.CUSTOMER_STATE_ACTIVE)
    assert made.create_time == made.update_time
    found = (await admin.customers("GetCustomer", get(made.customer_id))).customer
    assert found == made


async def test_defaults(admin):
    made = await ask.make_customer(admin)
    assert (made.time_zone, made.collection_method) == ("UTC", collection_pb2.COLLECTION_METHOD_CHARGE)
    assert (made.seller_id, made.net_terms_days) == ("", 0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"currency_code": "XXX"}, "UNKNOWN_CURRENCY"),
        ({"currency_code": "eur"}, "VALIDATION_FAILED"),
        ({"currency_code": ""}, "VALIDATION_FAILED"),
        ({"time_zone": "Mars/Olympus"}, "UNKNOWN_TIME_ZONE"),
        ({"tax_ids": [tax_facts_pb2.TaxId(type=1, value="FR1234567890123")]}, "INVALID_TAX_ID"),
        ({"tax_ids": [tax_facts_pb2.TaxId(value="FR40303265045")]}, "VALIDATION_FAILED"),
        ({"party": None}, "VALIDATION_FAILED"),
        ({"party": party_pb2.Party(name="A")}, "VALIDATION_FAILED"),
        ({"party": party_pb2.Party(name=" ", address=ask.PARTY.address)}, "INVALID_PARTY"),
        ({"party": party_pb2.Party(name="A\x00B", address=ask.PARTY.address)}, "VALIDATION_FAILED"),
        ({"net_terms_days": -1}, "VALIDATION_FAILED"),
        ({"net_terms_days": 10**6}, "VALIDATION_FAILED"),
        ({"collection_method": 77}, "VALIDATION_FAILED"),
        ({"seller_id": "sel_nope"}, "VALIDATION_FAILED"),
        ({"metadata": {"": "x"}}, "VALIDATION_FAILED"),
        ({"external_id": "x" * 129}, "VALIDATION_FAILED"),
    ],
)
async def test_customers_that_are_refused(admin, refused, change, reason):
    refusal = await refused(admin.customers("CreateCustomer", ask.create_customer(**change)))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", reason)


async def test_an_external_id_is_taken_once(admin, refused):
    await ask.make_customer(admin, external_id="acme")
    refusal = await refused(admin.customers("CreateCustomer", ask.create_customer(external_id="acme")))
    assert (refusal.code, refusal.reason) == ("ALREADY_EXISTS", "EXTERNAL_ID_TAKEN")


async def test_a_repeated_key_gives_the_first_answer_with_its_party(admin, refused, database, tenant_id):
    request = ask.create_customer(external_id="acme")
    first = await admin.customers("CreateCustomer", request, key="k1")
    assert await admin.customers("CreateCustomer", request, key="k1") == first
    refusal = await refused(admin.customers("CreateCustomer", ask.create_customer(), key="k1"))
    assert (refusal.code, refusal.reason) == ("ALREADY_EXISTS", "IDEMPOTENCY_KEY_REUSED")
    from billing_testkit.tenants import admin_call

    async with database.read(admin_call(tenant_id)) as tx:
        kept = (await tx.conn.exec_driver_sql("SELECT response FROM idempotency")).scalars().all()
        sent = (await tx.conn.exec_driver_sql("SELECT payload FROM outbox")).scalars().all()
    assert len(kept) == len(sent) == 1
    assert not any(b"Ada" in bytes(each) or b"Hauptstr" in bytes(each) for each in [*kept, *sent])


async def test_read_masks(admin, refused):
    made = await ask.make_customer(admin)
    found = await admin.customers("GetCustomer", get(made.customer_id, "currency_code", "party.address.country_code"))
    expected = customer_pb2.Customer(currency_code="EUR")
    expected.party.address.country_code = "DE"
    assert found.customer == expected
    refusal = await refused(admin.customers("GetCustomer", get(made.customer_id, "nope")))
    assert (refusal.reason, refusal.fields) == ("INVALID_READ_MASK", ("read_mask",))
    masked = pb.ListCustomersRequest(read_mask=FieldMask(paths=["customer_id"]))
    (listed,) = (await admin.customers("ListCustomers", masked)).customers
    assert listed == customer_pb2.Customer(customer_id=made.customer_id)
    refusal = await refused(admin.customers("ListCustomers", pb.ListCustomersRequest(read_mask=FieldMask(paths=["x"]))))
    assert refusal.reason == "INVALID_READ_MASK"


async def test_lists_come_in_pages(admin, refused):
    made = [(await ask.make_customer(admin, external_id=f"c{n}")).customer_id for n in range(5)]
    seen, token = [], ""
    for _ in range(3):
        page = await admin.customers("ListCustomers", pb.ListCustomersRequest(page_size=2, page_token=token))
        seen += [customer.customer_id for customer in page.customers]
        token = page.next_page_token
    assert (sorted(seen), token) == (sorted(made), "")
    by_name = await admin.customers("ListCustomers", pb.ListCustomersRequest(external_id="c3"))
    assert [customer.external_id for customer in by_name.customers] == ["c3"]
    archived = pb.ListCustomersRequest(state=customer_pb2.CUSTOMER_STATE_ARCHIVED)
    assert not (await admin.customers("ListCustomers", archived)).customers
    for token in ("nope", "WyJ4Il0"):
        refusal = await refused(admin.customers("ListCustomers", pb.ListCustomersRequest(page_token=token)))
        assert refusal.reason == "INVALID_PAGE_TOKEN"
    refusal = await refused(admin.customers("ListCustomers", pb.ListCustomersRequest(page_size=10**9)))
    assert (refusal.code, refusal.fields) == ("INVALID_ARGUMENT", ("page_size",))


async def test_updates_change_what_the_mask_names(admin):
    made = await ask.make_customer(admin, net_terms_days=7, metadata={"a": "1"})
    request = update(
        made.customer_id, ["net_terms_days", "metadata"], made.etag, net_terms_days=14, time_zone="Asia/Tokyo"
    )
    after = (await admin.customers("UpdateCustomer", request)).customer
    assert (after.net_terms_days, dict(after.metadata), after.time_zone) == (14, {}, "UTC")
    assert (after.etag, after.party, after.party_version) == ("v2", ask.PARTY, 1)


async def test_every_field_can_change(admin):
    made = await ask.make_customer(admin)
    party = party_pb2.Party(name="Grace", address=party_pb2.Address(country_code="US", region="NY"))
    change = {
        "external_id": "new",
        "party": party,
        "tax_ids": [FR_VAT],
        "currency_code": "USD",
        "time_zone": "America/New_York",
        "collection_method": collection_pb2.COLLECTION_METHOD_SEND,
        "net_terms_days": 3,
        "metadata": {"b": "2"},
    }
    after = (await admin.customers("UpdateCustomer", update(made.customer_id, list(change), **change))).customer
    for name, value in change.items():
        assert getattr(after, name) == value, name
    assert (after.party_version, after.party_id) == (2, made.party_id)
    assert (await admin.customers("GetCustomer", get(made.customer_id))).customer == after


@pytest.mark.parametrize(
    ("paths", "change", "code", "reason"),
    [
        ([], {}, "INVALID_ARGUMENT", "INVALID_UPDATE_MASK"),
        (["customer_id"], {}, "INVALID_ARGUMENT", "INVALID_UPDATE_MASK"),
        (["party.name"], {}, "INVALID_ARGUMENT", "INVALID_UPDATE_MASK"),
        (["currency_code"], {}, "INVALID_ARGUMENT", "UNKNOWN_CURRENCY"),
        (["collection_method"], {}, "INVALID_ARGUMENT", "UNSPECIFIED_VALUE"),
        (["party"], {}, "INVALID_ARGUMENT", "INVALID_PARTY"),
        (["time_zone"], {"time_zone": "nope"}, "INVALID_ARGUMENT", "UNKNOWN_TIME_ZONE"),
        (["external_id"], {"external_id": "taken"}, "ALREADY_EXISTS", "EXTERNAL_ID_TAKEN"),
    ],
)
async def test_updates_that_are_refused(admin, refused, paths, change, code, reason):
    await ask.make_customer(admin, external_id="taken")
    made = await ask.make_customer(admin)
    refusal = await refused(admin.customers("UpdateCustomer", update(made.customer_id, paths, **change)))
    assert (refusal.code, refusal.reason) == (code, reason)
    assert (await admin.customers("GetCustomer", get(made.customer_id))).customer == made


async def test_a_stale_etag_is_refused(admin, refused):
    made = await ask.make_customer(admin)
    await admin.customers("UpdateCustomer", update(made.customer_id, ["net_terms_days"], made.etag))
    for call in (
        admin.customers("UpdateCustomer", update(made.customer_id, ["net_terms_days"], made.etag)),
        admin.customers("ArchiveCustomer", pb.ArchiveCustomerRequest(customer_id=made.customer_id, etag=made.etag)),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == ("ABORTED", "ETAG_MISMATCH")


async def test_archiving(admin, refused):
    made = await ask.make_customer(admin)
    version = await ask.make_version(admin)
    archive = pb.ArchiveCustomerRequest(customer_id=made.customer_id)
    await admin.subscriptions("CreateSubscription", ask.subscribe(made.customer_id, version.plan_version_id))
    refusal = await refused(admin.customers("ArchiveCustomer", archive))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "CUSTOMER_HAS_SUBSCRIPTIONS")
    other = await ask.make_customer(admin)
    archive = pb.ArchiveCustomerRequest(customer_id=other.customer_id)
    archived = (await admin.customers("ArchiveCustomer", archive)).customer
    assert (archived.state, archived.party) == (customer_pb2.CUSTOMER_STATE_ARCHIVED, ask.PARTY)
    assert (await admin.customers("ArchiveCustomer", archive)).customer == archived
    refusal = await refused(admin.customers("UpdateCustomer", update(other.customer_id, ["net_terms_days"])))
    assert refusal.reason == "CUSTOMER_ARCHIVED"
    refusal = await refused(
        admin.subscriptions("CreateSubscription", ask.subscribe(other.customer_id, version.plan_version_id))
    )
    assert refusal.reason == "CUSTOMER_ARCHIVED"


async def test_unknown_and_foreign_customers_are_not_found(admin, client_of, refused):
    foreign = (await ask.make_customer(client_of(uuid7()))).customer_id
    for customer_id in (UNKNOWN, foreign):
        for method, request in (
            ("GetCustomer", get(customer_id)),
            ("UpdateCustomer", update(customer_id, ["net_terms_days"])),
            ("ArchiveCustomer", pb.ArchiveCustomerRequest(customer_id=customer_id)),
        ):
            refusal = await refused(admin.customers(method, request))
            assert (refusal.code, refusal.reason) == ("NOT_FOUND", "CUSTOMER_NOT_FOUND")


async def test_roles(admin, client_of, refused, tenant_id):
    mine, other = await ask.make_customer(admin), await ask.make_customer(admin)
    viewer = client_of(tenant_id, "billing_viewer")
    assert (await viewer.customers("GetCustomer", get(mine.customer_id))).customer == mine
    assert (await refused(viewer.customers("CreateCustomer", ask.create_customer()))).code == "PERMISSION_DENIED"
    owner = client_of(tenant_id, "customer", decode("cus", mine.customer_id))
    assert (await owner.customers("GetCustomer", get(mine.customer_id))).customer == mine
    assert (await refused(owner.customers("GetCustomer", get(other.customer_id)))).code == "NOT_FOUND"
    for method, request in (
        ("ListCustomers", pb.ListCustomersRequest()),
        ("UpdateCustomer", update(mine.customer_id, ["net_terms_days"])),
        ("ArchiveCustomer", pb.ArchiveCustomerRequest(customer_id=mine.customer_id)),
    ):
        assert (await refused(owner.customers(method, request))).code == "PERMISSION_DENIED"


async def collect(stream):
    return [message async for message in stream]


async def test_parties_are_answered_in_order_to_services_alone(admin, peer, refused):
    made = await ask.make_customer(admin)
    moved = party_pb2.Party(name="Ada King", address=ask.PARTY.address)
    await admin.customers("UpdateCustomer", update(made.customer_id, ["party"], party=moved))
    wanted = [pb.PartyVersion(party_id=made.party_id, version=version) for version in (2, 1, 3)]
    wanted.append(pb.PartyVersion(party_id=encode("party", uuid7()), version=1))
    request = pb.BatchGetPartiesRequest(parties=wanted)
    (message,) = await collect(peer.customers("BatchGetParties", request))
    assert message.end
    assert [answer.party_version for answer in message.parties] == wanted
    assert [answer.party.name for answer in message.parties] == ["Ada King", "Ada Lovelace", "", ""]
    assert [answer.error.reason for answer in message.parties[2:]] == ["PARTY_NOT_FOUND"] * 2
    assert (await refused(collect(admin.customers("BatchGetParties", request)))).code == "PERMISSION_DENIED"
    assert (await refused(collect(peer.customers("BatchGetParties", pb.BatchGetPartiesRequest())))).reason


async def test_many_parties_come_in_several_messages(admin, peer):
    made = await ask.make_customer(admin)
    wanted = [pb.PartyVersion(party_id=made.party_id, version=1)] * 1201
    messages = await collect(peer.customers("BatchGetParties", pb.BatchGetPartiesRequest(parties=wanted)))
    assert [(len(message.parties), message.end) for message in messages] == [(500, False), (500, False), (201, True)]
