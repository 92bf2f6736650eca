"""The loader's process: opens one untrusted file and answers with plain arrays.

It always uses `weights_only=True`, without any fallback. `child` starts it; never run this code in a process with anything
to lose.
"""

from __future__ import annotations

import gc
import io
import os
import pickle
import re
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor, nn

from humouse_doctor.core.arrays import AnyArray
from humouse_doctor.core.text import one_line, reason, shortened
from humouse_doctor.inputs.checkpoints import fork_server, guard, protocol, salvage
from humouse_doctor.inputs.checkpoints.container import CHANGED, EXPECTED, Kind, state_of
from humouse_doctor.inputs.checkpoints.protocol import Answer, Content, Question
from humouse_doctor.inputs.checkpoints.stand_ins import STAND_INS, InertArray
from humouse_doctor.inputs.files import open_regular

_MAX_WRAPPED = 4
_MAX_WALK_DEPTH = 200
_MAX_WALK_ITEMS = 2_000_000
_MAX_SHOWN = 6
_MAX_SETTINGS = 1_000
_MAX_WORD = 200

#: Dtypes that are sent unchanged, and dtypes that float32 holds without loss.
_KEPT = (torch.float32, torch.float64, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool)
_WIDENED = (torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz)

#: The usual keys of a generator's weights inside a larger file; the first one present is taken.
_WRAPPERS = (
    "state_dict", "generator", "G", "netG", "model_state_dict", "generator_state_dict", "netG_state_dict", "model",
    "GAN", "g", "g_state", "params", "g_ema", "generator_ema", "G_ema", "params_ema", "ema", "shadow",
)  # fmt: skip
#: The keys under which frameworks and scripts save the settings of a training beside its weights: Lightning's comes first.
_STATED = ("hyper_parameters", "hparams", "args")
_AVERAGED = ("g_ema", "generator_ema", "G_ema", "params_ema", "ema")


class Refused(Exception):
    """A file that is refused, with the reason in one line without the file's name."""


@dataclass(slots=True)
class _Found:
    """The content found in a file: checked tensors, and the other parts of an `Answer`."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    statistics: dict[str, tuple[float, ...]] = field(default_factory=dict)
    config: dict[str, protocol.Plain] = field(default_factory=dict)
    stated: dict[str, protocol.Plain] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


def main(descriptor: int | None = None) -> None:
    """Import everything that reading needs, then answer one question, or fork a process for each (see `fork_server`)."""
    rehearse()
    if descriptor is None:
        attend()
    else:
        fork_server.serve(descriptor, attend)


def attend() -> None:
    """Answer one question from stdin and end; the process cannot read a second file."""
    answers, questions = _claim_pipes()
    answers.write(protocol.READY)
    answers.flush()
    line = questions.readline()
    if line:
        serve(Question.parse(line), answers)
    os._exit(0)  # without freeing the file's objects, so that none of their code runs


def serve(question: Question, answers: BinaryIO) -> None:
    """Open the files, give up all rights except reading them, and write the answer."""
    with ExitStack() as stack:
        try:
            files = opened(question, stack)
        except Refused as refusal:
            protocol.send(Answer(refusal=str(refusal)), answers)
            os._exit(0)
        gc.disable()  # the content is walked once and then dropped
        guard.limit(question.memory_bytes, question.cpu_s)
        guard.lock(lambda event: protocol.send(Answer(refusal=forbidden(event)), answers))
        try:
            write_answer(question, files, answers)
        except Exception:  # the parent or the memory is gone; the exit status reports it
            os._exit(1)
        os._exit(0)


def opened(question: Question, stack: ExitStack) -> list[BinaryIO]:
    """Open the files of the question until `stack` ends; raise `Refused` if one has changed since it was checked.

    Nothing is read by its name after this, since a name may lead to another file at any moment.
    """
    files: list[BinaryIO] = []
    for name, state in zip(question.files, question.states, strict=True):
        try:
            files.append(stack.enter_context(open_regular(Path(name))))
        except OSError:
            raise Refused(CHANGED) from None
        if state_of(os.fstat(files[-1].fileno())) != state:
            raise Refused(CHANGED)
    return files


def forbidden(event: str) -> str:
    """Return the error for a file whose loading caused the audit event `event`, which is more than reading."""
    return f"the file tried something that no checkpoint needs ({event}); refused"


def write_answer(question: Question, files: Sequence[BinaryIO], answers: BinaryIO) -> None:
    """Read the files and write their content or a refusal."""
    try:
        found = _read(question, files)
    except Refused as refusal:
        protocol.send(Answer(refusal=str(refusal)), answers)
        return
    except MemoryError:
        mib = question.memory_bytes >> 20
        protocol.send(Answer(refusal=f"the file exhausted the loader (more than {mib} MiB of memory)"), answers)
        return
    answer = Answer(
        statistics=MappingProxyType(found.statistics),
        config=MappingProxyType(found.config),
        stated=MappingProxyType(found.stated),
        remarks=tuple(found.remarks),
        foreign=tuple(found.foreign),
    )
    named = [
        (name, "float32" if tensor.dtype in _WIDENED else str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
        for name, tensor in found.tensors.items()
    ]
    protocol.send_parts(answer, named, (_numbers(tensor) for tensor in found.tensors.values()), answers)


def _claim_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take the pipes to the parent; anything that libraries print from now on is discarded."""
    answers = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    questions = os.fdopen(os.dup(0), "rb")
    with open(os.devnull, "r+b") as nowhere:  # noqa: PTH123  # os.devnull is a name, not a path
        os.dup2(nowhere.fileno(), 0)
        os.dup2(nowhere.fileno(), 1)
    return answers, questions


def rehearse() -> None:
    """Read one file of each kind, so that torch has imported all its modules before imports are forbidden."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    content: dict[str, object] = {
        "a.b": nn.Parameter(torch.ones(2, 2)),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "rows": torch.eye(2).to_sparse(),
        "layout": torch.strided,
        "bytes": b"\xff",
        "array": np.ones(2, dtype=">f4"),
        "number": np.float64(1),
    }
    for modern in (True, False):
        for unknown in (False, True):
            stream = io.BytesIO()
            extra = {"none": Path("x")} if unknown else {}
            torch.save({**content, **extra}, stream, _use_new_zipfile_serialization=modern)
            stream.seek(0)
            kind = Kind.ARCHIVE if modern else Kind.LEGACY
            _rehearse_one(kind, stream, salvage=unknown)
    for damaged in (b"PK\x03\x04", b""):
        _rehearse_one(Kind.ARCHIVE, io.BytesIO(damaged), salvage=False)
    b"a".decode("cp437")  # zipfile decodes names without the UTF-8 flag with it
    shortened("\x1b")  # characters are spelled out with a codec, which pickletools needs too
    if _has_safetensors():
        from safetensors.torch import save  # an extra

        _rehearse_one(Kind.SAFETENSORS, io.BytesIO(save({"a.b": torch.ones(2)})), salvage=False)


def _rehearse_one(kind: Kind, stream: BinaryIO, *, salvage: bool) -> None:
    question = Question(
        kind=kind, files=(), states=(), content=Content.GENERATOR, salvage=salvage, max_bytes=1 << 20, memory_bytes=0, cpu_s=0
    )  # fmt: skip
    write_answer(question, [stream], io.BytesIO())


def _has_safetensors() -> bool:
    try:
        import safetensors.torch  # noqa: F401  # only to see if it is installed
    except ImportError:
        return False
    return True


def _read(question: Question, files: Sequence[BinaryIO]) -> _Found:
    found = _Found()
    content = _content(question, files, found)
    _walk(content)
    if question.content is Content.GESTURES:
        _take_gestures(content, found)
    else:
        _take_generator(content, found)
    if len(found.tensors) > protocol.MAX_TENSORS:
        raise Refused(f"{len(found.tensors):,} tensors are more than any generator has; refused")
    total = 0
    for name, tensor in found.tensors.items():
        if len(name) > protocol.MAX_NAME:
            raise Refused(f"a tensor's name has {len(name):,} characters; refused")
        if not protocol.has_room(tensor.shape, question.max_bytes):
            raise Refused(f"tensor '{shortened(name)}' has an impossibly large shape; refused")
        total += tensor.numel() * (4 if tensor.dtype in _WIDENED else tensor.element_size())
    if total > question.max_bytes:
        raise Refused(f"its tensors need {total >> 20:,} MiB together, far more than the file has; refused")
    widened = [tensor.dtype for tensor in found.tensors.values() if tensor.dtype in _WIDENED]
    if widened:
        names = ", ".join(sorted({str(dtype).removeprefix("torch.") for dtype in widened}))
        found.remarks.append(f"read {len(widened)} of {len(found.tensors)} tensors as float32; the file has them as {names}")
    return found


def _content(question: Question, files: Sequence[BinaryIO], found: _Found) -> Any:
    """Return the file's content, read without running any of its code."""
    if question.kind in (Kind.SAFETENSORS, Kind.SHARDS):
        return _load_safetensors(files)
    stream = files[0]
    try:
        return _load_torch(stream, STAND_INS)
    except Exception as error:  # torch raises a dozen kinds for a broken file, KeyError and MemoryError among them
        if isinstance(error, MemoryError):
            raise
        names = _foreign(stream, question.kind, error)
        if not names or not question.salvage:
            raise Refused(_refusal(error, names)) from None
    blocked = [name for name in names if name.partition(".")[0] in salvage.BLOCKED]
    if blocked:
        raise Refused(
            f"refused: it refers to {shortened(blocked[0])}, which no genuine checkpoint does; --salvage cannot read it either"
        )
    if len(names) > salvage.MAX_NAMES:
        raise Refused(f"refused, it refers to {len(names):,} foreign names, among them {_listed(names[:3])}")
    if question.kind is Kind.LEGACY:
        stream = salvage.without_sources(stream)
    try:
        content = salvage.load_with_stand_ins(lambda stand_ins: _load_torch(stream, [*STAND_INS, *stand_ins]), names)
    except MemoryError:
        raise
    except Exception as error:
        raise Refused(f"{_refusal(error, [])}; it refers to {_listed(names)}") from None
    found.foreign.extend(shortened(name) for name in names)
    return content


def _load_torch(stream: BinaryIO, stand_ins: Sequence[tuple[Callable[..., Any], str]]) -> Any:
    stream.seek(0)
    with (
        warnings.catch_warnings(),
        torch.serialization.safe_globals(list(stand_ins)),
        torch.sparse.check_sparse_tensor_invariants(),  # type: ignore[no-untyped-call]  # unannotated in torch
    ):
        warnings.simplefilter("ignore")
        return torch.load(stream, map_location="cpu", weights_only=True, mmap=False)


def _foreign(stream: BinaryIO, kind: Kind, error: Exception) -> list[str]:
    """Return the unknown names that the file refers to if `error` is about one of them, else an empty list."""
    if not isinstance(error, pickle.UnpicklingError) or not re.search(r"GLOBAL |Can only|must be imported", str(error)):
        return []
    with torch.serialization.safe_globals(STAND_INS):  # type: ignore[arg-type]  # tuples with a name are accepted
        return salvage.foreign_names(stream, archive=kind is Kind.ARCHIVE)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(shortened(name) for name in names[:3]) + more


def _refusal(error: Exception, foreign: Sequence[str]) -> str:
    """Return why torch did not load the file, without torch's advice to load it unsafely."""
    text = one_line(str(error))
    if foreign:
        blocked = any(name.partition(".")[0] in salvage.BLOCKED for name in foreign)
        way_out = "" if blocked else ", or read its tensors alone with --salvage"
        return (
            f"refused, reading it would run code: it refers to {_listed(foreign)}; save the state_dict alone,"
            f" with torch.save(generator.state_dict(), ...){way_out}"
        )
    if isinstance(error, ValueError) and "refused" in text:
        return text
    operand = re.search(r"Unsupported operand (\d+)", text)
    if operand and int(operand.group(1)) in (0x8C, 0x94, 0x95):  # SHORT_BINUNICODE, MEMOIZE, FRAME
        return "written with pickle protocol 4 or newer, which torch does not read safely; save it without pickle_protocol"
    if operand:
        return f"broken, or not written by torch.save (its pickle has operation {operand.group(1)}); {EXPECTED}"
    if "can't allocate memory" in text or "not enough memory" in text:
        raise MemoryError
    return f"broken or not a checkpoint ({type(error).__name__}); {EXPECTED}"


def _load_safetensors(files: Sequence[BinaryIO]) -> dict[str, Tensor]:
    if not _has_safetensors():
        raise Refused("a safetensors file; install humouse-doctor[safetensors] to read it")
    from safetensors import SafetensorError  # an extra
    from safetensors.torch import load

    content: dict[str, Tensor] = {}
    try:
        for file in files:
            for name, tensor in load(file.read()).items():
                if name in content:
                    raise Refused(f"two shards contain the tensor '{shortened(name)}', so it is ambiguous; refused")
                content[name] = tensor
    except KeyError as unknown:  # a dtype that torch lacks, such as four bits
        raise Refused(f"a tensor has the unsupported type {shortened(str(unknown))}; {EXPECTED}") from None
    except (SafetensorError, OSError, ValueError, RuntimeError, TypeError, AssertionError) as error:
        raise Refused(f"broken safetensors file: {reason(error)}") from None
    return content


def _walk(content: object) -> None:
    """Raise `Refused` for content with more depth or items than any honest file, before it is used."""
    seen: set[int] = set()
    todo: list[tuple[object, int]] = [(content, 0)]
    while todo:
        value, depth = todo.pop()
        if not isinstance(value, dict | list | tuple | set | salvage.InertObject) or id(value) in seen:
            continue
        seen.add(id(value))
        if depth > _MAX_WALK_DEPTH:
            raise Refused(f"it is nested more than {_MAX_WALK_DEPTH} levels deep; refused")
        inside: list[object]
        if isinstance(value, dict):
            inside = [*dict.keys(value), *dict.values(value)]
        elif isinstance(value, salvage.InertObject):
            inside = [value.args, value.state]
        else:
            inside = list(value)
        todo.extend((item, depth + 1) for item in inside)
        if len(seen) > _MAX_WALK_ITEMS or len(todo) > _MAX_WALK_ITEMS:
            raise Refused(f"it holds more than {_MAX_WALK_ITEMS:,} objects; refused")


def _take_generator(content: object, found: _Found) -> None:
    if isinstance(content, Tensor):
        sequences = content.dim() == 3 and content.size(2) >= 2
        raise Refused(f"{protocol.BARE_SEQUENCES if sequences else 'holds a bare tensor'}; {EXPECTED}")
    opened = salvage.as_dict(content)
    if opened is None:
        raise Refused(f"holds a {'foreign object' if found.foreign else type(content).__name__}; {EXPECTED}")
    if isinstance(dict.get(opened, "sequences"), Tensor):
        raise Refused("is a replay buffer, not a checkpoint; give it as --data")
    tensors = _unwrap(opened, found.remarks, 0)
    found.tensors = {name: _plain(name, tensor) for name, tensor in tensors.items()}
    settings = salvage.as_dict(dict.get(opened, "config"))
    found.config = {} if settings is None else _settings(settings)
    stated = (salvage.as_dict(dict.get(opened, name)) for name in _STATED)
    found.stated = _settings(next((values for values in stated if values is not None), {}))
    for name in protocol.STATISTICS:
        pair = _pair(opened, name)
        if pair is not None:
            found.statistics[name] = pair


def _take_gestures(content: object, found: _Found) -> None:
    features = None
    if isinstance(content, dict):
        features = dict.get(content, "features")
        content = dict.get(content, "sequences")
    if not isinstance(content, Tensor):
        raise Refused("holds no gestures; expected a tensor (N, T, >=2), alone or under 'sequences'")
    found.tensors["sequences"] = _plain("sequences", content)
    if isinstance(features, Tensor):
        found.tensors["features"] = _plain("features", features)


def _unwrap(content: dict[Any, Any], remarks: list[str], depth: int) -> dict[str, Tensor]:
    """Return the state dict inside `content`, and add a remark on every choice made."""
    # A pickled OrderedDict can carry an attribute `items` of its own.
    tensors = {name: value for name, value in dict.items(content) if isinstance(value, Tensor)}
    if tensors and all(isinstance(name, str) for name in tensors) and any("." in name for name in tensors):
        return tensors
    present = [name for name in _WRAPPERS if salvage.as_dict(dict.get(content, name)) is not None]
    if not present or depth >= _MAX_WRAPPED:
        keys = list(dict.keys(content))[:_MAX_SHOWN]
        names = ", ".join(shortened(key if isinstance(key, str) else _word(key)) for key in keys) or "nothing"
        raise Refused(f"no generator's weights in it (it holds {names}); {EXPECTED}")
    chosen = present[0]
    averaged = [name for name in present if name in _AVERAGED]
    if chosen in averaged:
        remarks.append(f"took the averaged (EMA) weights under '{chosen}', there are no others")
    elif averaged:
        remarks.append(f"took the weights under '{chosen}'; the averaged (EMA) ones under '{averaged[0]}' were not used")
    else:
        remarks.append(f"took the weights under '{chosen}'")
    inside = salvage.as_dict(dict.get(content, chosen))
    assert inside is not None
    return _unwrap(inside, remarks, depth + 1)


def _word(value: object) -> str:
    """Return a plain value in short, or only the type of another: writing that out may take for ever."""
    if value is None or type(value) in (bool, float):
        return str(value)
    if type(value) is int:
        return str(value) if value.bit_length() <= 64 else "<int>"
    if isinstance(value, str):
        return value[:_MAX_WORD]
    return f"<{type(value).__name__}>"


def _settings(values: dict[Any, Any]) -> dict[str, protocol.Plain]:
    """Return the plain values of a config, with only the type of any other value."""
    found: dict[str, protocol.Plain] = {}
    for name, value in dict.items(values):
        if not isinstance(name, str) or len(name) > _MAX_WORD:
            continue
        plain = value is None or type(value) in (bool, float) or (type(value) is int and value.bit_length() <= 64)
        found[name] = value if plain else _word(value)
        if len(found) >= _MAX_SETTINGS:
            break
    return found


def _plain(name: str, tensor: Tensor) -> Tensor:
    """Return `tensor` without attributes from the file; raise `Refused` unless it is a plain block of numbers in memory.

    Methods are taken from the class, since a file may give a tensor attributes of the same names.
    """
    label = shortened(name)
    if type(tensor) not in (Tensor, nn.Parameter, nn.Buffer):
        raise Refused(f"tensor '{label}' is not a dense tensor of real numbers; {EXPECTED}")
    bare = Tensor.detach(tensor)
    dense = bare.layout is torch.strided and not (bare.is_meta or bare.is_nested or bare.is_quantized)
    if not dense or bare.device.type != "cpu" or bare.dtype not in (*_KEPT, *_WIDENED):
        raise Refused(f"tensor '{label}' is not a dense tensor of real numbers; {EXPECTED}")
    size = bare.element_size()
    last = bare.storage_offset() + sum((extent - 1) * step for extent, step in zip(bare.shape, bare.stride(), strict=True))
    there = bare.untyped_storage().nbytes()
    outside = bare.numel() > 0 and (last + 1) * size > there
    if outside or bare.numel() * size > there:
        raise Refused(f"tensor '{label}' claims more numbers than the file holds; refused")
    return bare


def _numbers(tensor: Tensor) -> AnyArray:
    """Return the numbers to send: floats of 8 and 16 bits as float32, others unchanged."""
    wide = tensor.to(torch.float32) if tensor.dtype in _WIDENED else tensor
    array: AnyArray = wide.resolve_neg().contiguous().numpy()
    return array


def _pair(content: dict[Any, Any], name: str) -> tuple[float, ...] | None:
    """Return position statistics as two numbers; a single number applies to both axes."""
    raw = dict.get(content, name)
    if raw is None:
        return None
    values: AnyArray | None = None
    if isinstance(raw, Tensor):
        plain = _plain(name, raw)
        values = _numbers(plain) if plain.numel() <= 2 else None
    elif type(raw) is InertArray:
        values = raw.value
    if values is None or values.size not in (1, 2):
        raise Refused(f"'{name}' is not one or two numbers; expected what the pretrainer writes")
    pair = [float(value) for value in values.reshape(-1)]
    pair = pair * 2 if len(pair) == 1 else pair
    if not protocol.is_statistic(name, pair):
        raise Refused(f"'{name}' is {pair}; expected finite numbers, a std above zero")
    return tuple(pair)
