"""What is wanted in service and what an engine says of it are written apart."""

from functools import partial

from botcore.store import Store, loras
from botcore.versions import Lora


async def kept(store: Store, name: str = "sft-1") -> Lora:
    version = Lora(name=name, base="starter", base_hash="b", path=f"loras/{name}", files_hash="f", method="sft")
    await store.write(partial(loras.add, version=version))
    return version


async def use(store: Store, name: str = "sft-1", now: float = 1.0) -> Lora:
    return await store.write(partial(loras.use, name=name, now=now))


async def one(store: Store) -> Lora:
    (version,) = await store.read(loras.every)
    return version


async def test_an_engine_tells_what_it_does(store: Store) -> None:
    await kept(store)
    await use(store)
    await store.write(partial(loras.tell, name="sft-1", progress="a second engine starts", now=2.0))
    assert (await one(store)).progress == "a second engine starts"
    await store.write(partial(loras.settle, name="sft-1", now=3.0))
    version = await one(store)
    assert (version.live, version.progress, version.told_at) == (True, "", 3.0)
    await store.write(partial(loras.settle, name="", now=4.0))
    assert not (await one(store)).live


async def test_the_same_wish_again_is_no_new_one(store: Store) -> None:
    await kept(store)
    assert (await use(store, now=1.0)).changed_at == (await use(store, now=2.0)).changed_at == 1.0


async def test_what_cannot_be_served_is_off_with_the_reason(store: Store) -> None:
    await kept(store)
    wanted = await use(store)
    assert await store.write(partial(loras.set_aside, version=wanted, reason="its files are gone", now=2.0))
    version = await one(store)
    assert (version.state, version.reason, version.live) == ("off", "its files are gone", False)
    assert await store.read(loras.wish) == (None, "its files are gone")


async def test_an_engine_that_looked_too_early_does_not_undo_a_newer_wish(store: Store) -> None:
    await kept(store)
    early = await use(store, now=1.0)
    await store.write(partial(loras.off, now=2.0))
    await use(store, now=3.0)
    assert not await store.write(partial(loras.set_aside, version=early, reason="its files are gone", now=4.0))
    assert (await one(store)).state == "serving"


async def test_going_back_to_the_base_ends_the_trouble(store: Store) -> None:
    await kept(store)
    await store.write(partial(loras.set_aside, version=await use(store), reason="its files are gone", now=2.0))
    await store.write(partial(loras.off, now=3.0))
    assert await store.read(loras.wish) == (None, "")
