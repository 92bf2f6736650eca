from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Origin, Place, Settings, Value
from humouse_doctor.inputs.config import reader, yaml_text
from humouse_doctor.inputs.config.trainer_keys import BY_NAME, KEYS

PLAIN = """\
data:
  batch_size: 8
model:
  generator: {activation_xy: linear}
training:
  lr:
    generator: 5e-6
  betas: [0.5, 0.999]
  absolute_coordinates: on
"""
NESTED = "experiment:\n" + textwrap.indent(PLAIN, "  ")

Read = Callable[[str], reader.ReadConfig]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    monkeypatch.chdir(tmp_path)

    def read_text(text: str) -> reader.ReadConfig:
        Path("run.yaml").write_text(text, encoding="utf-8")
        return reader.read(Path("run.yaml"))

    return read_text


@pytest.mark.parametrize(("text", "prefix", "shift"), [(PLAIN, "", 0), (NESTED, "experiment.", 1)])
def test_plain_and_nested_files_give_the_same_settings(text: str, prefix: str, shift: int, read: Read) -> None:
    config = read(text)
    assert (config.complaints, config.remarks) == ((), ())
    assert (config.settings.prefix, config.settings.source) == (prefix, "run.yaml")
    rate = config.settings["training.lr.generator"]
    assert (rate.value, rate.origin) == (5e-6, Origin.EXPLICIT)
    assert rate.place == Place(file="run.yaml", line=7 + shift, column=16 + 2 * shift)
    assert str(rate.place) == f"run.yaml:{7 + shift}"
    assert config.settings.value("training.betas") == (0.5, 0.999)
    assert config.settings.flag("training.absolute_coordinates") is True
    assert config.settings.text("model.generator.activation_xy") == "linear"


def test_what_the_file_does_not_say_is_the_trainers_default_and_has_no_place(read: Read) -> None:
    settings = read(PLAIN).settings
    whitened = settings["training.warmup_latent_normalize"]
    assert (whitened.value, whitened.origin, whitened.place) == (True, Origin.DEFAULT, None)
    assert list(settings) == sorted(settings)


def test_a_required_key_has_no_default(read: Read) -> None:
    assert "training.lr.generator" not in read("data: {batch_size: 8}\n").settings


def test_keys_the_diagnosis_does_not_use_are_left_out_without_a_word(read: Read) -> None:
    config = read("training: {lr: {discriminator: 1}}\nwandb: {project: x}\n")
    assert "training.lr.discriminator" not in config.settings
    assert config.complaints == ()


def test_keys_outside_the_experiment_section_do_not_count_in_a_nested_file(read: Read) -> None:
    assert read(NESTED + "training:\n  reconstruction_epochs: 9\n").settings.integer("training.reconstruction_epochs") == 0


@pytest.mark.parametrize(
    "text", ["seed: 1\n", "experiment:\n  seed: 1\n", "experiment:\n  seed: 1\ntraining: {betas: [0, 1]}\n"]
)
def test_a_file_with_none_of_the_sections_is_refused(text: str, read: Read) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert str(caught.value) == (
        "run.yaml: none of the sections data, model, training, logging is there, at the top or under experiment:;"
        " expected a humouse training config"
    )


def test_a_wrong_type_is_a_serious_complaint_with_its_line_and_leaves_the_key_unknown(read: Read) -> None:
    config = read("data:\n  batch_size: many\n")
    (complaint,) = config.complaints
    assert complaint.message == "data.batch_size is 'many'; expected a whole number"
    assert (complaint.key, complaint.serious, str(complaint.place)) == ("data.batch_size", True, "run.yaml:2")
    assert "data.batch_size" not in config.settings


def test_an_unknown_activation_is_answered_with_the_accepted_ones(read: Read) -> None:
    (complaint,) = read("model: {generator: {activation_xy: relu}}\n").complaints
    assert complaint.serious
    assert complaint.message == (
        "model.generator.activation_xy is 'relu'; accepted values: tanh, sigmoid, softplus, linear, none, identity, null"
    )


def test_a_misspelt_key_is_named_with_the_key_meant_and_what_holds_instead(read: Read) -> None:
    config = read("training:\n  absolute_coordinate: true\n")
    (complaint,) = config.complaints
    assert complaint.serious
    assert str(complaint.place) == "run.yaml:2"
    assert complaint.message == (
        "training.absolute_coordinate is unknown to the trainer, which ignores it;"
        " training.absolute_coordinates was probably meant and keeps its default false"
    )
    assert config.settings["training.absolute_coordinates"].origin is Origin.DEFAULT


def test_a_misspelt_required_key_is_said_to_be_required(read: Read) -> None:
    (complaint,) = read("training: {beta: [0.5, 0.9]}\n").complaints
    assert complaint.message.endswith("training.betas was probably meant and is required")


def test_a_neighbour_of_a_key_that_is_there_is_no_misspelling(read: Read) -> None:
    assert read("training: {absolute_coordinates: true, absolute_coordinate: 1}\n").complaints == ()


def test_a_key_spelled_with_a_dot_is_not_the_setting(read: Read) -> None:
    config = read("data: {batch_size: 8}\ntraining.absolute_coordinates: true\n")
    assert config.settings.flag("training.absolute_coordinates") is False
    (complaint,) = config.complaints
    assert "is unknown to the trainer, which ignores it" in complaint.message


@pytest.mark.parametrize(("text", "shown"), [("0.001", "0.001"), ("null", "null"), ("[1]", "[1]"), ("x", "'x'")])
def test_a_value_where_a_section_belongs_is_a_serious_complaint(text: str, shown: str, read: Read) -> None:
    (complaint,) = read(f"training:\n  lr: {text}\n").complaints
    assert complaint.serious
    assert complaint.message == f"training.lr is {shown}; expected a section with keys such as generator"


@pytest.mark.parametrize(
    "text",
    [
        "data: {batch_size: 8, normalize_sequences: true}\nmodel: {in_channels: 3}\ntraining: {betas: [0.9, 0.99]}\n",
        "experiment:\n  data: {batch_size: 8}\n  model:\n    detector: {hidden_dim: 8}\n  logging: {checkpoint_dir: x}\n",
        "training: {epochs: 9, learning_rate: 1e-3}\n",
        "data: {path: x}\nlogging: {level: info}\n",
    ],
    ids=["diffusion", "detector", "training", "none"],
)
def test_the_config_of_another_program_is_refused(text: str, read: Read) -> None:
    with pytest.raises(UsageError, match=r"the config of another program \(.*inspect SAMPLES --data GESTURES"):
        read(text)


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("training: {reconstruction_epochs: 3}\nmodel: {discriminator: {hidden_dim: 8}}\n", "data and no model.generator"),
        ("training: {absolute_coordinate: true}\n", "data and no model.generator"),
        ("data: {batch_size: 8}\n", "model.generator and no training"),
        ("model: {architecture: lstm}\n", "data and no model.generator and no training"),
        ("model: ${x}\ndata: {batch_size: 8}\n", "training"),
        ("data: {a: 1}\nmodel: {generator: {a: 1}}\ntraining: {a: 1}\n", None),
    ],
)
def test_a_part_of_a_config_is_read_and_what_it_lacks_is_remarked_on(text: str, lacking: str | None, read: Read) -> None:
    remarks = read(text).remarks

    said = f"run.yaml has no {lacking}: the trainer's defaults are used for their keys"
    assert [remark.partition(": ")[2] for remark in remarks] == ([] if lacking is None else [said])


@pytest.mark.parametrize("text", ["${base}", "???"])
def test_the_keys_of_an_unresolved_section_are_not_taken_for_defaults(text: str, read: Read) -> None:
    config = read(f"base: {{hidden_dim: 8}}\ndata: {{batch_size: 8}}\nmodel: {{generator: '{text}'}}\n")
    (complaint,) = config.complaints
    assert not complaint.serious
    assert complaint.message == (
        f"model.generator is '{text}': a whole section left unresolved;"
        " give its keys with --set, such as model.generator.activation_dt"
    )
    assert not [key for key in config.settings if key.startswith("model.generator.")]
    assert config.settings["model.architecture"].origin is Origin.DEFAULT


def test_interpolations_are_resolved_within_the_file(read: Read) -> None:
    settings = read(
        "size: 8\nname: lr_${size}\nwhich: size\nnone: null\nfirst: 0.5\n"
        "data: {batch_size: '${size}', sequence_length: '${${which}}'}\n"
        "training: {generator_init_path: 'a/${name}_${none}.pt', betas: ['${first}', 0.9]}\n"
    ).settings
    assert settings.integer("data.batch_size") == settings.integer("data.sequence_length") == 8
    assert settings.text("training.generator_init_path") == "a/lr_8_None.pt"
    assert settings.value("training.betas") == (0.5, 0.9)


def test_the_environment_is_never_read(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUN_SECRET", "sesame-7f3a")
    config = read(
        "key: ${oc.env:RUN_SECRET}\n"
        "data: {cache_dir: '${oc.env:RUN_SECRET}/x', dataset_id: '${key}', batch_size: 8}\n"
        "training: {betas: ['${oc.env:RUN_SECRET}', 0.9]}\n"
    )
    assert "sesame" not in repr(config)
    assert {complaint.key for complaint in config.complaints} == {"data.cache_dir", "data.dataset_id", "training.betas"}
    for complaint in config.complaints:
        assert not complaint.serious
        assert complaint.message.endswith("left unresolved, resolvers are not run; give it with --set")
        assert complaint.key not in config.settings


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("${nowhere}", "left unresolved, there is no 'nowhere' in the file; give it with --set"),
        ("${data.cache_dir}", "the interpolation refers to itself; give the value with --set"),
        ("${a}", "the interpolation refers to itself; give the value with --set"),
        ("???", "a mandatory value (???) that was never given"),
        ("${c.d.e}", "left unresolved, there is no 'c.d.e' in the file; give it with --set"),
        ('${c."d.e"}', "left unresolved, there is no 'c.\"d.e\"' in the file; give it with --set"),
        ("${c.f g}", "left unresolved, there is no 'c.f g' in the file; give it with --set"),
        ("${c.7}", "left unresolved, there is no 'c.7' in the file; give it with --set"),
        ("${c.on}", "left unresolved, there is no 'c.on' in the file; give it with --set"),
        ("${c.True}", "left unresolved, there is no 'c.True' in the file; give it with --set"),
        ("x\\${c.h}", "left unresolved, its interpolation is escaped; give it with --set"),
        ("x/${c.h", "left unresolved, its interpolation is broken; give it with --set"),
        ("${", "left unresolved, its interpolation is broken; give it with --set"),
    ],
)
def test_an_interpolation_that_leads_nowhere_leaves_the_key_unknown(value: str, problem: str, read: Read) -> None:
    odd = "c: {d.e: x, '\"d.e\"': x, f g: x, 7: x, on: x, h: x}\n"
    config = read(f"a: ${{b}}\nb: ${{a}}\n{odd}data: {{cache_dir: '{value}', batch_size: 8}}\n")
    (complaint,) = config.complaints
    assert complaint.message == f"data.cache_dir is '{value}': {problem}"
    assert "data.cache_dir" not in config.settings


def test_without_a_config_nothing_is_known_but_the_overrides() -> None:
    assert reader.read(None).settings == Settings()

    config = reader.read(None, ["data.batch_size=8"])

    assert config.settings.source is None
    assert [(setting.key, setting.origin) for setting in config.settings.values()] == [("data.batch_size", Origin.OVERRIDE)]


def test_from_python_what_is_left_out_has_the_trainers_default() -> None:
    assert set(reader.from_values({})) == {key.name for key in KEYS if not key.required}


def test_an_override_wins_over_the_file_and_silences_its_complaint(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("data: {batch_size: many, sequence_length: 0}\n", encoding="utf-8")
    config = reader.read(path, ["experiment.data.batch_size=16", "training.betas=[0.5, 0.9]"])
    batch = config.settings["data.batch_size"]
    assert (batch.value, batch.origin, batch.place) == (16, Origin.OVERRIDE, None)
    assert config.settings.value("training.betas") == (0.5, 0.9)
    assert [complaint.key for complaint in config.complaints] == ["data.sequence_length"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.batch_size", "--set data.batch_size: expected key=value"),
        ("data.batch_sizes=1", "--set data.batch_sizes=1: unknown key 'data.batch_sizes'; did you mean data.batch_size?"),
        (
            "x=1",
            (
                "--set x=1: unknown key 'x'; expected a key of the training config, e.g. data.batch_size, or a common name:"
                " lr, batch_size, epochs, latent_dim, kl_weight"
            ),
        ),
        ("data.batch_size=many", "--set data.batch_size=many: expected a whole number"),
        ("data.batch_size=0", "--set data.batch_size=0: expected at least 1"),
        ("training.betas=[1", "--set training.betas=[1: not a YAML value: expected ',' or ']', but got '<stream end>'"),
        ("data.cache_dir=a: b", "--set data.cache_dir=a: b: a whole section; expected a single value or a list"),
    ],
)
def test_an_override_that_does_not_fit_is_refused(override: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        reader.read(None, [override])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text", ["data.batch_size\x1b[2J", "a\nb=1", "data.batch_size=x\u2028y", "x" * 5000, "data.cache_dir=[" * 999]
)
def test_an_override_is_shown_short_and_on_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        reader.read(None, [text])
    message = str(caught.value)
    assert message.startswith("--set ")
    assert message.isprintable()
    assert len(message) < 500


def test_a_misspelt_key_with_a_character_that_cannot_be_seen_shows_it(read: Read) -> None:
    (complaint,) = read("training: {\ufeffbetas: [0.5, 0.9]}\n").complaints
    assert complaint.message.startswith("training.\\ufeffbetas is unknown to the trainer")


def test_settings_from_python_are_checked_like_overrides() -> None:
    settings = reader.from_values({"data.batch_size": 4})
    assert settings["data.batch_size"].origin is Origin.OVERRIDE
    assert settings["data.sequence_length"].origin is Origin.DEFAULT
    with pytest.raises(UsageError, match=r"data\.batch_size='x': expected a whole number"):
        reader.from_values({"data.batch_size": "x"})


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**9), 10**9)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3).map(tuple),
    )
)
def test_a_spelled_value_is_one_line_and_reads_back(value: Value) -> None:
    text = reader.spell(value)
    assert len(text.splitlines()) <= 1
    assert yaml_text.parse_scalar(text) == value


#: Pieces that mean something to YAML, to interpolations or to the trainer, of which text is put together.
PIECES = [
    "training", "data", "experiment", "lr", "generator", "betas", "batch_size", ":", ": ", "- ", "? ", "\n", "\n  ", "\n    ",
    "[", "]", "{", "}", ", ", "&a ", "*a", "<<: *a", "!!int ", "!!python/name:os.system ", "!x ", "'", '"', "|\n ", "# ",
    "---\n", "...\n", "%YAML 1.2\n", "${", "${a}", "${oc.env:HOME}", "???", "0.5", "5e-6", "1e999", ".nan", "0x1F", "1:30",
    "\\ud800", "\ufeff", "\x1b", "\u2028", "\x85", "\t", "\r",
]  # fmt: skip


@settings(max_examples=300)
@given(
    st.binary(max_size=200)
    | st.text(max_size=100).map(str.encode)
    | st.lists(st.sampled_from(PIECES), max_size=30).map(lambda pieces: "".join(pieces).encode())
    | st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: PLAIN.encode() + "".join(pieces).encode())
)
def test_any_bytes_are_settings_that_fit_or_one_line(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.yaml"
        path.write_bytes(content)
        try:
            found = reader.read(path)
        except UsageError as error:
            message = str(error)
            assert message.startswith(str(path))
            assert message.isprintable()
            assert len(message) < 500 + len(str(path))
            return
        for key, setting in found.settings.items():
            assert setting.origin is Origin.DEFAULT or BY_NAME[key].complaint(setting.value) is None
        for complaint in found.complaints:
            assert complaint.message.isprintable()
            assert len(complaint.message) < 500


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("lr=0.01", "training.lr.generator"),
        ("training.lr=0.01", "training.lr.generator"),
        ("optimizer.learning_rate=0.01", "training.lr.generator"),
        ("batch_size=8", "data.batch_size"),
        ("train.batch_size=8", "data.batch_size"),
        ("epochs=3", "training.reconstruction_epochs"),
        ("trainer.max_epochs=3", "training.reconstruction_epochs"),
        ("z_dim=5", "model.generator.latent_dim"),
    ],
)
def test_a_common_name_is_read_as_the_key_that_it_means(override: str, key: str) -> None:
    (setting,) = reader.read(None, [override]).settings.values()
    assert setting.key == key


@pytest.mark.parametrize("override", ["discriminator.lr=0.01", "encoder.hidden_dim=4", "training.lr.discriminator=0.01"])
def test_a_common_name_in_another_networks_section_is_not_the_generators(override: str) -> None:
    with pytest.raises(UsageError, match="unknown key"):
        reader.read(None, [override])


def test_of_another_programs_config_the_common_names_are_read(tmp_path: Path) -> None:
    path = tmp_path / "flat.yaml"
    path.write_text("lr: 1.0e-3\nepochs: 100\nbatch_size: many\ntrainer:\n  precision: 16\ndata:\n  batch_size: 32\n")

    found = reader.read(path, ["latent_dim=4"], foreign=True)

    assert {key: setting.value for key, setting in found.settings.items()} == {
        "data.batch_size": 32,
        "model.generator.latent_dim": 4,
        "training.lr.generator": 0.001,
        "training.reconstruction_epochs": 100,
    }
    assert found.settings.source is None
    assert "of it was read: data.batch_size = 32" in found.remarks[0]
    path.write_text("lr: 1.0e-3\nepochs: 100\n")
    with pytest.raises(UsageError, match="expected a humouse training config"):
        reader.read(path)
