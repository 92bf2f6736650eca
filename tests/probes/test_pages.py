from __future__ import annotations

import pytest

from humouse_doctor.core.errors import ExitCode, UsageError
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.probes.pages import completions, explained, listing, names, page, pages, topics
from humouse_doctor.probes.registry import PROBES


def test_pages_are_in_code_order() -> None:
    assert list(pages()) == sorted(pages())


@pytest.mark.parametrize("tool", ToolCode, ids=lambda tool: str(tool.code))
def test_one_of_the_tools_own_codes_has_its_text(tool: ToolCode) -> None:
    assert page(tool.code) == f"# {tool.code} {tool.label}\n\n{tool.text}\n"


def test_a_code_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"^there is no probe or remedy HD190; did you mean HD\d\d\d \([a-z-]+\)\?$"
    ) as refused:
        page("HD190")
    assert refused.value.exit_code is ExitCode.USAGE


def test_a_code_like_no_other_is_refused_with_the_way_to_the_list() -> None:
    with pytest.raises(UsageError, match=r"^there is no probe or remedy Q; see humouse-doctor probes$"):
        page("Q")


@pytest.mark.parametrize("topic", ["", "  "])
def test_no_name_at_all_is_refused_with_an_example(topic: str) -> None:
    with pytest.raises(UsageError, match=r"^explain: no probe or remedy was named; name one, such as HD201, or see"):
        page(topic)


@pytest.mark.parametrize("name", ["repeated-latent", "Repeated-Latent", "repeated_latent", "repeated latent", "hd203"])
def test_a_page_is_found_by_its_name_in_any_case(name: str) -> None:
    assert page(name).startswith("# HD203 repeated-latent\n")


def test_a_tool_code_is_found_by_its_name() -> None:
    assert page("probe-crashed") == page("HD003")


def test_a_misspelt_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"^there is no probe or remedy repeatd-latnet; did you mean HD203 \(repeated-latent\)\?$"
    ):
        page("repeatd-latnet")


def test_no_two_codes_have_one_name() -> None:
    assert len(set(names().values())) == len(names()) == len(PROBES) + len(ToolCode)


@pytest.mark.parametrize("code", pages())
def test_a_page_shows_no_comment(code: str) -> None:
    assert "<!--" not in explained(code)
    assert "\n\n\n" not in explained(code)


def test_the_pages_have_comments_to_leave_out() -> None:
    assert any("<!--" in page.read_text(encoding="utf-8") for page in pages().values())


def test_the_list_has_one_line_for_every_probe_and_tool_code_in_order() -> None:
    lines = listing().splitlines()
    codes = [line.split()[0] for line in lines]
    assert codes == sorted([*(probe.code for probe in PROBES), *(tool.code for tool in ToolCode)])
    for probe in PROBES:
        assert f"{probe.code}  {probe.kind.value:8} {probe.name:27} {probe.summary}" in lines


def test_a_tool_code_is_listed_with_its_first_sentence() -> None:
    (line,) = [line for line in listing().splitlines() if line.startswith("HD003")]
    assert line == "HD003  tool     probe-crashed               A probe ended with an error of its own."


def test_tool_codes_are_the_tools_own_and_in_order() -> None:
    codes = [tool.code for tool in ToolCode]
    assert codes == sorted(set(codes))
    assert all(code.startswith("HD0") and len(code) == 5 for code in codes)


def test_an_explanation_is_the_page_and_links_to_what_it_speaks_of() -> None:
    text = explained("HD201")

    assert text.startswith(page("HD201"))
    assert "- HD202 target-scale: `humouse-doctor explain HD202`\n" in text
    assert "explain HD201" not in text
    assert f"<{pages()['HD201'].as_uri()}>" in text


def test_codes_are_completed() -> None:
    assert completions("hd10") == [probe.code for probe in PROBES if probe.code.startswith("HD10")]
    assert completions("HD001") == ["HD001"]
    assert completions("X") == []


def test_codes_and_names_are_completed_for_explain() -> None:
    assert topics("hd20") == [probe.code for probe in PROBES if probe.code.startswith("HD20")]
    assert topics("Latent") == ["latent-insensitive", "latent-noise", "latent-whitening"]
    assert topics("slow") == ["slow-gates", "slower-rate"]
    assert topics("x") == []


def test_a_remedy_is_explained_by_its_name() -> None:
    text = explained("Slow Gates")

    assert text.startswith("# slow-gates\n\n*remedy*: Start the LSTM's gates slow (chrono initialisation)\n")
    assert "log U(1, T - 1) for sequences of T steps, a draw each" in text
    assert "204 runs with plain gates" in text
    assert "- HD103.time_std_ratio, which should then be 0.4 to 4\n" in text
    assert "humouse-doctor verify CONFIG --data DATA --patch slow-gates" in text
    assert text.endswith("- HD203 repeated-latent: `humouse-doctor explain HD203`\n")
    assert explained("fix-a") == explained("normalised-positions")


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("slow-gate", "the remedy slow-gates or the remedy slower-rate"),
        ("los-as-read", "the remedy loss-as-read"),
        ("gates-satured", r"HD217 \(gates-saturated\)"),
        ("short-warmup", r"HD210 \(short-warm-up\)( or .*)?"),
    ],
)
def test_a_name_like_a_probes_or_a_remedys_is_refused_with_these(asked: str, near: str) -> None:
    with pytest.raises(UsageError, match=rf"^there is no probe or remedy {asked}; did you mean {near}\?$"):
        explained(asked)
