from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.cost import (
    Look,
    cost_of,
    load_of,
    load_of_look,
    memory_asked,
    parameters,
    ran_out_of_memory,
    require_affordable,
    require_affordable_load,
    require_latents,
    require_trainable,
)
from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.spec import Architecture, GeneratorSpec
from humouse_doctor.networks.architectures import build

SIZES = ("latent_dim", "condition_dim", "hidden_dim", "num_layers", "output_dim", "target_len")
LSTM, TCN, SEQ2SEQ = Architecture.LSTM, Architecture.TCN, Architecture.SEQ2SEQ
DEFAULT = Look(samples=512)


def spec(architecture: Architecture, hidden: int, layers: int, steps: int, **others: Any) -> GeneratorSpec:
    sizes = {"latent_dim": 4, "condition_dim": 0, "output_dim": 2, **others}
    return GeneratorSpec(architecture=architecture, hidden_dim=hidden, num_layers=layers, target_len=steps, **sizes)


HONEST = [
    *(
        spec(architecture, hidden, layers, steps, latent_dim=latent, condition_dim=16, output_dim=3)
        for architecture in Architecture
        for hidden, layers, latent in ((8, 1, 4), (64, 4, 64), (128, 2, 100), (512, 4, 512))
        for steps in (2, 64, 200, 1000)
    ),
    spec(LSTM, 1024, 4, 1000, latent_dim=512),
    spec(SEQ2SEQ, 1024, 4, 1000, latent_dim=512),
    spec(TCN, 1024, 4, 1000, latent_dim=512, condition_dim=16, output_dim=3),
    spec(LSTM, 2048, 2, 200, latent_dim=512),
]


@pytest.mark.parametrize("look", [DEFAULT, Look(samples=8, quick=True), Look(samples=100_000)])
def test_honest_sizes_pass_with_the_options_people_use(look: Look) -> None:
    for honest in HONEST:
        require_affordable(honest, look, f"{honest}")  # the error has the name


ABSURD = [
    (spec(LSTM, 8, 1, 10**6), "1,000,000 steps"),
    (spec(LSTM, 8, 1, 10**5), "100,000 steps"),
    (spec(LSTM, 8, 1, 3 * 10**4), "30,000 steps"),
    (spec(LSTM, 1, 1, 2**63), "steps"),
    (spec(SEQ2SEQ, 8, 1, 3 * 10**4), "30,000 steps"),
    (spec(SEQ2SEQ, 8, 1, 4000), "4,000 steps"),
    (spec(TCN, 8, 1, 2 * 10**5), "200,000 steps"),
    (spec(TCN, 1, 1, 10**6), "1,000,000 steps"),
    (spec(LSTM, 8, 1, 32, output_dim=10**4), "10,000 outputs"),
    (spec(LSTM, 8, 1, 32, latent_dim=2 * 10**5), "200,000 inputs"),
    (spec(LSTM, 8, 1, 32, latent_dim=2 * 10**6), "2,000,000 inputs"),
    (spec(LSTM, 8, 2400, 32), "2,400 layers"),
    (spec(SEQ2SEQ, 8, 300, 64), "300 layers"),
    (spec(LSTM, 512, 1, 20_000), "20,000 steps"),
    (spec(LSTM, 9000, 3, 64), "9,000 units"),
    (spec(TCN, 2048, 2, 1000, latent_dim=1000), "its weights"),
]


@pytest.mark.parametrize(("absurd", "named"), ABSURD, ids=[f"{s.architecture.value}: {named}" for s, named in ABSURD])
def test_absurd_sizes_are_refused_with_one_line_that_names_them_and_at_once(absurd: GeneratorSpec, named: str) -> None:
    before = time.process_time()

    with pytest.raises(InputError) as refused:
        require_affordable(absurd, DEFAULT, "g.pt")

    line = str(refused.value)
    assert line.startswith("g.pt: ")
    assert named in line
    assert "the limit is" in line
    assert line.isprintable()
    assert len(line) < 400
    assert time.process_time() - before < 60


@pytest.mark.parametrize(("absurd", "named"), ABSURD, ids=[f"{s.architecture.value}: {named}" for s, named in ABSURD])
def test_what_a_refusal_advises_helps(absurd: GeneratorSpec, named: str) -> None:
    with pytest.raises(InputError) as refused:
        require_affordable(absurd, DEFAULT, "g.pt")

    _, advises, advice = str(refused.value).partition("; try ")
    for way in advice.split(", or ") if advises else ():
        match way.split():
            case ["--quick"]:
                require_affordable(absurd, replace(DEFAULT, quick=True), "g.pt")
            case ["--quick", "--samples", count]:
                require_affordable(absurd, replace(DEFAULT, quick=True, samples=int(count)), "g.pt")
            case ["--samples", count]:
                require_affordable(absurd, replace(DEFAULT, samples=int(count)), "g.pt")
            case ["--set", "model.generator.target_len=N", *_]:
                require_affordable(replace(absurd, target_len=64), DEFAULT, "g.pt")
            case _:
                pytest.fail(way)


def test_fewer_samples_are_advised_only_where_they_help() -> None:
    with pytest.raises(InputError, match=r"; try --samples 1\d\d$"):
        require_affordable(spec(LSTM, 8, 1, 32, output_dim=10**4), DEFAULT, "g.pt")
    with pytest.raises(InputError) as refused:
        require_affordable(spec(LSTM, 8, 1, 32, latent_dim=10**9), DEFAULT, "g.pt")
    assert "--samples" not in str(refused.value)


@pytest.mark.parametrize("architecture", Architecture)
def test_parameters_are_those_of_the_network_that_would_be_built(architecture: Architecture) -> None:
    small = spec(architecture, 5, 3, 7, latent_dim=6, condition_dim=2, output_dim=4)

    assert parameters(small) == sum(weight.numel() for weight in build(small).parameters())


def test_memory_counts_the_jacobians_of_a_latent_beside_conditions() -> None:
    load, jacobians = load_of(spec(LSTM, 4, 1, 600, latent_dim=124, condition_dim=8)), 3 * 4 * 124 * 48 * 600 * 2
    assert cost_of(load, Look(samples=8, quick=True)).peak_bytes < jacobians <= cost_of(load, Look(samples=8)).peak_bytes


@given(st.data())
def test_no_cost_falls_when_a_size_grows(data: st.DataObject) -> None:
    def sizes(name: str) -> st.SearchStrategy[int]:
        return st.integers(0 if name == "condition_dim" else 1, 10 ** (3 if name == "num_layers" else 7))

    drawn: dict[str, Any] = {name: data.draw(sizes(name)) for name in SIZES}
    plain = GeneratorSpec(architecture=data.draw(st.sampled_from(Architecture)), **drawn)
    name = data.draw(st.sampled_from(SIZES))
    larger = replace(plain, **{name: getattr(plain, name) + data.draw(st.integers(1, 10**6))})
    look = Look(samples=data.draw(st.integers(8, 10**5)), quick=data.draw(st.booleans()))
    one, other = load_of(plain), load_of(larger)

    assert one.row_bytes <= other.row_bytes
    assert one.graph_bytes <= other.graph_bytes
    assert parameters(plain) <= parameters(larger)
    assert cost_of(one, look).seconds <= cost_of(other, look).seconds
    assert cost_of(one, look).seconds <= cost_of(one, replace(look, samples=look.samples + 1)).seconds
    # a pass is cut to what fits: the peak may fall by less than the rounding to whole sequences
    assert cost_of(one, look).peak_bytes <= cost_of(other, look).peak_bytes + (1 << 30)


@given(st.sampled_from(HONEST), st.sampled_from(SIZES), st.integers(1, 2**63))
def test_a_network_that_is_refused_stays_so_when_it_grows(plain: GeneratorSpec, name: str, size: int) -> None:
    def refused(one: GeneratorSpec) -> bool:
        try:
            require_affordable(one, DEFAULT, "g.pt")
        except InputError:
            return True
        return False

    larger = replace(plain, **{name: max(size, getattr(plain, name))})
    assert not refused(larger) or refused(replace(larger, **{name: 4 * getattr(larger, name)}))


@pytest.mark.parametrize("honest", [s for s in HONEST if s.hidden_dim <= 512 and s.target_len <= 200], ids=str)
def test_honest_sizes_can_be_trained(honest: GeneratorSpec) -> None:
    require_trainable(honest, "c.yaml", batch_size=64, encoder_hidden=128, table_rows=None)
    require_trainable(honest, "c.yaml", batch_size=64, encoder_hidden=128, table_rows=2048)


@pytest.mark.parametrize(
    ("absurd", "others"),
    [
        (spec(LSTM, 9000, 3, 64), {}),
        (spec(TCN, 4096, 2, 1000, latent_dim=128), {}),
        (spec(LSTM, 8, 1, 64), {"encoder_hidden": 10**6}),
        (spec(LSTM, 8, 1, 64, latent_dim=10**6), {"table_rows": 2048}),
        (spec(LSTM, 8, 1, 10**5), {"batch_size": 100_000}),
        (spec(SEQ2SEQ, 8, 10**6, 64), {}),
    ],
    ids=str,
)
def test_what_no_trial_could_train_is_refused(absurd: GeneratorSpec, others: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"^c.yaml: a step of training .* the limit is"):
        require_trainable(absurd, "c.yaml", **{"batch_size": 64, "encoder_hidden": 128, "table_rows": None, **others})  # type: ignore[arg-type]  # one of them


def test_a_smaller_batch_is_advised_where_it_helps() -> None:
    with pytest.raises(InputError, match=r"; try --set data.batch_size=\d+$"):
        require_trainable(spec(LSTM, 512, 2, 200), "c.yaml", batch_size=4096, encoder_hidden=128, table_rows=None)


def test_latents_are_asked_for_before_anything_is_known_of_the_network() -> None:
    require_latents(2048, DEFAULT, "a module")
    with pytest.raises(InputError, match="takes 1,000,000,000,000 inputs"):
        require_latents(10**12, DEFAULT, "a module")


def test_a_network_known_by_one_pass_is_held_to_the_same_bounds() -> None:
    load = load_of(spec(LSTM, 128, 2, 200))

    require_affordable_load(load, DEFAULT, "a module")
    with pytest.raises(InputError, match="1,000,000 steps"):
        require_affordable_load(load_of(spec(LSTM, 8, 1, 10**6)), DEFAULT, "a module")
    slow = load_of_look(
        parameters=1, inputs=1, steps=4000, channels=2, forward=1, graph=1, states=0, products=1, calls=2 * 10**5
    )
    with pytest.raises(InputError, match="of computing"):
        require_affordable_load(slow, DEFAULT, "a module")


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8192000000 bytes"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried"), True),
        (RuntimeError("CUDA out of memory. Tried"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("no"), False),
    ],
)
def test_running_out_of_memory_is_a_refusal_and_nothing_else_is(error: Exception, is_memory: bool) -> None:
    assert ran_out_of_memory(error) is is_memory
    with pytest.raises(InputError if is_memory else type(error)), memory_asked("g.pt"):
        raise error


def test_a_refusal_within_is_passed_on_as_it_is() -> None:
    with pytest.raises(UsageError, match=r"^out of memory in its name$"), memory_asked("g.pt"):
        raise UsageError("out of memory in its name")
