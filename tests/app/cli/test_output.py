"""How sizes and tables are printed."""

from __future__ import annotations

import pytest

from app.cli.output import print_table
from app.cli.sizes import size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.6, "1.00 kB"),
        (1_000, "1.00 kB"),
        (1_234, "1.23 kB"),
        (12_345, "12.3 kB"),
        (99_949, "99.9 kB"),
        (99_951, "100 kB"),
        (123_456, "123 kB"),
        (999_500, "1.00 MB"),
        (8_388_608, "8.39 MB"),
        (335_544_320_000, "336 GB"),
        (5e18, "5000 PB"),
    ],
)
def test_sizes_have_decimal_units_and_three_digits_as_on_the_page(size: float, text: str) -> None:
    assert size_text(size) == text


def test_a_table_in_a_pipe_has_columns_but_no_space_at_the_end_of_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 1000
    print_table(("ID", "NAME", "ERROR"), [("1", "貨物.pdf", "two\nlines"), ("10000", "[red]a", ""), ("2", long, "")])
    padding = " " * 994
    assert capsys.readouterr().out.splitlines() == [
        f"ID     NAME{' ' * 998}ERROR",
        f"1      貨物.pdf{padding}two lines",
        "10000  [red]a",
        f"2      {long}",
    ]


def test_a_table_without_rows_is_its_titles(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("ID", "NAME"), [])
    assert capsys.readouterr().out == "ID  NAME\n"
