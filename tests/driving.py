"""Keyboard and mouse on a page, and what bars who uses other means, for the tests in a browser."""

import re

import pytest

expect = pytest.importorskip(
    "playwright.sync_api", reason="playwright drives the browser: pip install playwright"
).expect


def press(control, key):
    def act():
        control.focus()  # the notebook may have taken the focus back
        control.page.keyboard.press(key)

    return act


def answer(quiz):
    """Every answer, the first by keyboard and the others by mouse: each says what is right and why."""
    first, *others = buttons = quiz.locator("button").all()
    said = quiz.get_by_role("status")
    right = 0
    for act, button in [(press(first, "Space"), first), *((b.click, b) for b in others)]:
        act()
        text = re.escape(button.inner_text())
        expect(said).to_have_text(re.compile(f"^(Yes: {text}|It is .+, not {text})[.] .+"))
        assert [b.get_attribute("aria-pressed") for b in buttons] == [str(b is button).lower() for b in buttons]
        right += said.inner_text().startswith("Yes")
    assert right == 1


def barriers(page, *parts, explained=()):
    """What axe objects to, or cannot tell, in the whole page or in parts of it.

    ``explained`` has pairs of a rule and the reason why axe cannot tell, where something else does.
    """
    script = pytest.importorskip("axe_playwright_python.base", reason="pip install axe-playwright-python").AXE_SCRIPT
    page.evaluate(script)
    found = page.evaluate("parts => axe.run(parts.length ? {include: parts.map(part => [part])} : document)", parts)
    wrong = [(rule["id"], node["html"]) for rule in found["violations"] for node in rule["nodes"]]
    for rule in found["incomplete"]:
        for node in rule["nodes"]:
            checks = node["any"] + node["all"] + node["none"]
            reasons = [(rule["id"], (check["data"] or {}).get("messageKey")) for check in checks]
            if not {*reasons} <= {*explained}:
                wrong.append((*reasons, node["html"]))
    return wrong
