"""The one table of the trainer's config keys: their types, their defaults when absent, and what they accept.

The defaults are humouse's own. Several of them have made runs collapse, so reports say where a value came from. Some keys are
not humouse's: a patch of its trainer adds those of `ADDED`. `training.output_space` is for other trainers whose loss compares
positions: it says whether they take the output for positions or for deltas.
"""

from __future__ import annotations

import difflib
import re
import sys
from dataclasses import dataclass
from enum import Enum

from humouse_doctor.core.settings import Value
from humouse_doctor.core.spec import ACTIVATION_NAMES, Architecture


class Type(Enum):
    """The kind of value that a key takes; a whole number is accepted as a number."""

    FLAG = "true or false"
    WHOLE = "a whole number"
    NUMBER = "a finite number"
    TEXT = "text"
    PAIR = "a list of two numbers"


_MOST = 10**12
_MOST_STEPS = 10**5
_MOST_UNITS = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One config key; `required` keys have no default, `accepts` lists the spellings of an enumeration.

    A whole number above `maximum` would exceed any trainer's memory.
    """

    name: str
    type: Type
    default: Value = None
    required: bool = False
    nullable: bool = False
    accepts: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: int = _MOST

    def complaint(self, value: Value) -> str | None:
        """Return the accepted values if `value` does not fit this key, None if it fits."""
        if self.accepts:
            spelled = "null" if value is None else value
            fits = isinstance(spelled, str) and spelled.lower() in self.accepts
            return None if fits else f"accepted values: {', '.join(self.accepts)}"
        if value is None:
            return None if self.nullable else f"expected {self.type.value}"
        if not _fits(value, self.type):
            return f"expected {self.type.value}"
        if self.minimum is not None and isinstance(value, int | float) and value < self.minimum:
            return f"expected at least {self.minimum:g}"
        if self.type is Type.WHOLE and isinstance(value, int) and value > self.maximum:
            return f"expected at most {self.maximum}"
        return None


def _fits(value: Value, kind: Type) -> bool:
    # whole numbers are unbounded in YAML, floats are not
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    match kind:
        case Type.FLAG:
            return isinstance(value, bool)
        case Type.WHOLE:
            return number and isinstance(value, int)
        case Type.NUMBER:
            return number
        case Type.TEXT:
            return isinstance(value, str)
        case Type.PAIR:
            return isinstance(value, tuple) and len(value) == 2 and all(_fits(part, Type.NUMBER) for part in value)


_ACTIVATIONS = tuple(ACTIVATION_NAMES)

KEYS: tuple[Key, ...] = (
    Key(name="data.batch_size", type=Type.WHOLE, default=64, minimum=1),
    Key(name="data.cache_dir", type=Type.TEXT, default="data/processed"),
    Key(name="data.canonicalize_duration", type=Type.FLAG, default=False),
    Key(name="data.canonicalize_path", type=Type.FLAG, default=False),
    Key(name="data.dataset_id", type=Type.TEXT, default="balabit"),
    Key(name="data.feature_mode", type=Type.TEXT, default="neuromotor"),
    Key(name="data.max_gestures", type=Type.WHOLE, nullable=True, minimum=1),
    Key(name="data.normalize_features", type=Type.FLAG, default=True),
    Key(name="data.normalize_sequences", type=Type.FLAG, default=True),
    Key(name="data.sequence_length", type=Type.WHOLE, default=64, minimum=1, maximum=_MOST_STEPS),
    Key(name="experiment_name", type=Type.TEXT, nullable=True),
    Key(name="logging.checkpoint_dir", type=Type.TEXT),
    Key(name="model.architecture", type=Type.TEXT, default="tcn", accepts=tuple(kind.value for kind in Architecture)),
    Key(name="model.discriminator.input_dim", type=Type.WHOLE, default=3, minimum=1, maximum=_MOST_UNITS),
    Key(name="model.generator.activation_dt", type=Type.TEXT, default="softplus", accepts=_ACTIVATIONS),
    Key(name="model.generator.activation_xy", type=Type.TEXT, default="tanh", accepts=_ACTIVATIONS),
    Key(name="model.generator.condition_dim", type=Type.WHOLE, default=16, minimum=0, maximum=_MOST_UNITS),
    Key(name="model.generator.hidden_dim", type=Type.WHOLE, default=128, minimum=1, maximum=_MOST_UNITS),
    Key(name="model.generator.latent_dim", type=Type.WHOLE, default=64, minimum=1, maximum=_MOST_UNITS),
    Key(name="model.generator.num_layers", type=Type.WHOLE, default=3, minimum=0, maximum=_MOST_UNITS),
    Key(name="model.generator.output_dim", type=Type.WHOLE, default=3, minimum=2, maximum=_MOST_UNITS),
    Key(name="model.generator.target_len", type=Type.WHOLE, default=64, minimum=1, maximum=_MOST_STEPS),
    Key(name="model.generator.use_spectral_norm", type=Type.FLAG, default=False),
    Key(name="training.absolute_coordinates", type=Type.FLAG, default=False),
    Key(name="training.betas", type=Type.PAIR, required=True),
    Key(name="training.generator_init_path", type=Type.TEXT, nullable=True),
    Key(name="training.lr.generator", type=Type.NUMBER, required=True, minimum=0),
    Key(name="training.output_space", type=Type.TEXT, nullable=True, accepts=("deltas", "positions", "null")),
    Key(name="training.reconstruction_epochs", type=Type.WHOLE, default=0, minimum=0),
    Key(name="training.reconstruction_loss_weight", type=Type.NUMBER, default=1.0),
    Key(name="training.reset_generator_after_warmup", type=Type.FLAG, default=False),
    Key(name="training.warmup_encoder_dropout", type=Type.NUMBER, default=0.0, minimum=0),
    Key(name="training.warmup_encoder_hidden_dim", type=Type.WHOLE, default=128, minimum=1, maximum=_MOST_UNITS),
    Key(name="training.warmup_encoder_layers", type=Type.WHOLE, default=1, minimum=1, maximum=_MOST_UNITS),
    Key(name="training.warmup_gates", type=Type.TEXT, default="default", accepts=("default", "slow")),
    Key(name="training.warmup_kl_weight", type=Type.NUMBER, default=0.1),
    Key(name="training.warmup_latent_normalize", type=Type.FLAG, default=True),
    Key(name="training.warmup_noise_std", type=Type.NUMBER, default=0.0),
    Key(name="training.warmup_space", type=Type.TEXT, default="loss", accepts=("loss", "read")),
)

#: The key for the space that the warm-up compares, its own or the one that the program reads, and for its LSTM's gates.
WARMUP_SPACE, WARMUP_GATES = "training.warmup_space", "training.warmup_gates"
#: The keys that only a trainer with this tool's patch knows.
ADDED = (WARMUP_SPACE, WARMUP_GATES)

BY_NAME = {key.name: key for key in KEYS}

#: A name longer than twice the longest key is not a misspelling.
_LONGEST = 2 * max(len(key.name) for key in KEYS)


#: Words of other programs for what a key of this trainer is about.
_SYNONYMS = {"rate": "lr", "learning": "lr", "steps": "reconstruction_epochs", "whiten": "warmup_latent_normalize"}
_MOST_MEANT = 3


def meant_by(name: str) -> tuple[str, ...]:
    """Return the keys that people may mean by `name`, such as `lr` or `epochs`: a misspelled one, else by its words."""
    close = likely_misspelling(name)
    if close is not None:
        return (close,)
    words = [_SYNONYMS.get(word, word) for word in re.split(r"[._]", name.lower())]
    for asked in (words, words[-1:]):
        found = [key for key in BY_NAME if {*asked} <= {*re.split(r"[._]", key), *key.split(".")}]
        if found:
            return tuple(sorted(found, key=lambda key: (len(re.split(r"[._]", key)), key))[:_MOST_MEANT])
    by_end = {key.rpartition(".")[2]: key for key in BY_NAME}
    ends = difflib.get_close_matches(name[-_LONGEST:].lower().rpartition(".")[2], by_end, n=1, cutoff=0.85)
    return tuple(by_end[end] for end in ends)


def likely_misspelling(name: str) -> str | None:
    """Return the key of which the unknown `name` is probably a misspelling, None if there is none.

    The trainer silently ignores unknown keys.
    """
    if name in BY_NAME or len(name) > _LONGEST:
        return None
    close = difflib.get_close_matches(name, BY_NAME, n=1, cutoff=0.92)
    return close[0] if close else None


#: Names that other programs have for a setting, alone or in one of their sections.
COMMON_NAMES = {
    "training.lr.generator": ("lr", "learning_rate", "lr_g", "g_lr", "lr_generator"),
    "data.batch_size": ("batch_size", "train_batch_size"),
    "training.reconstruction_epochs": ("epochs", "num_epochs", "n_epochs", "max_epochs"),
    "training.betas": ("betas",),
    "model.generator.latent_dim": ("latent_dim", "z_dim", "nz", "noise_dim", "latent_size", "code_dim"),
    "model.generator.condition_dim": ("condition_dim", "cond_dim", "c_dim"),
    "model.generator.hidden_dim": ("hidden_dim", "hidden_size"),
    "model.generator.target_len": ("target_len", "seq_len", "sequence_length", "n_steps"),
    "training.warmup_kl_weight": ("kl_weight", "lambda_kl", "beta_kl", "kl_beta", "kl_coeff", "kl_lambda", "kld_weight"),
}
_KEY_OF = {name: key for key, names in COMMON_NAMES.items() for name in names}
#: What many call the weight of the KL term, and others a momentum or a noise's size.
BETA = "beta"
#: The keys of a generator's training that another program may state beside its weights; its sizes are seen in these.
STATED = (
    "training.lr.generator",
    "data.batch_size",
    "training.reconstruction_epochs",
    "model.generator.latent_dim",
    "training.warmup_kl_weight",
)
#: The sections in which such a name means the generator's own setting.
_SECTIONS = frozenset(
    (
        "data",
        "dataset",
        "generator",
        "hparams",
        "model",
        "model.generator",
        "optim",
        "optimizer",
        "train",
        "trainer",
        "training",
    )
)


def key_of_common(name: str) -> str | None:
    """Return the key that another program's common `name` means, such as `lr` or `training.batch_size`, None if it is none."""
    section, _, last = name.lower().rpartition(".")
    return _KEY_OF.get(last) if name not in BY_NAME and (not section or section in _SECTIONS) else None
