"""The mesh in one process delivers as a bus does: at least once, in order, and again while a consumer cannot."""

import pytest
from billing_kernel.errors import Invalid, Kind
from billing_testkit.mesh import Mesh
from billing_testkit.sample.stories import event, note_consumer, write_notes
from billing_testkit.sample.tables import note
from billing_testkit.tenants import admin_call
from sqlalchemy import select


class Away(Invalid):
    kind = Kind.UNAVAILABLE


async def _publish(database, tenant_id, *values):
    async with database.begin(admin_call(tenant_id)) as tx:
        await tx.publish(*(event("k", value) for value in values))


async def _contents(database, tenant_id):
    async with database.read(admin_call(tenant_id)) as tx:
        return list((await tx.conn.execute(select(note.c.content).order_by(note.c.position))).scalars())


async def _mesh(database, handler, name, copies=1):
    deaf = Mesh([database], [])
    await deaf.settle()  # what other tests left
    await deaf.close()
    return Mesh([database], [(database, note_consumer(handler, name))], copies)


async def test_copies_and_redelivery_take_effect_once(sample_database, tenant_id):
    mesh = await _mesh(sample_database, write_notes, "mesh-twice", copies=2)
    await _publish(sample_database, tenant_id, "a", "b")
    delivered = await mesh.settle()
    await mesh.redeliver(delivered)
    await mesh.close()
    assert len(delivered) == 2
    assert await _contents(sample_database, tenant_id) == ["a", "b"]


async def test_what_cannot_be_done_for_the_moment_waits_and_comes_again_in_order(sample_database, tenant_id):
    away = [True]

    async def handler(tx, events):
        if away[0]:
            raise Away("not now")
        await write_notes(tx, events)

    mesh = await _mesh(sample_database, handler, "mesh-away")
    await _publish(sample_database, tenant_id, "a", "b")
    with pytest.raises(Away):
        await mesh.settle()
    assert await _contents(sample_database, tenant_id) == []
    away[0] = False
    await mesh.settle()
    await mesh.close()
    assert await _contents(sample_database, tenant_id) == ["a", "b"]
