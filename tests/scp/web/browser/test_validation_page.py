"""The page of validation in a browser: readings come in by its form, and everybody can read what it shows."""

from __future__ import annotations

import pytest

from scoring.report.common.texts import load_english

T = load_english()


@pytest.mark.parametrize(("theme", "size"), [("light", (1440, 900)), ("dark", (390, 844))])
def test_a_file_of_readings_becomes_figures(
    new_web, receive_scan, serve, visit, check_accessibility, tmp_path, theme, size
):
    web = new_web(validation={"shadow": True})
    uid = receive_scan(web.services)
    file = tmp_path / "week-1.csv"
    file.write_text(f"series_instance_uid;total\n{uid};0\n1.2.3;4\n", "utf-8")
    page = visit(serve(web.services), "/validation", theme=theme, size=size)
    check_accessibility(page)
    page.get_by_label(T("validation.upload_file")).set_input_files(file)
    page.get_by_role("button", name=T("validation.upload_do")).click()
    page.get_by_text(T("validation.uploaded", count=1)).wait_for()
    assert page.get_by_text("1.2.3 is not here").is_visible()
    assert page.get_by_role("img", name=T("validation.scatter_alt", n=1)).is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    check_accessibility(page)
