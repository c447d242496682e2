import json
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from backtest.report.markup import element, joined, script_json, table


class Reader(HTMLParser):
    """Collects the elements and the text of a page as a browser would read them."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.elements, self.text, self.attributes = [], "", {}

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes.update(attrs)

    def handle_data(self, data):
        self.text += data


def read(markup):
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader


@given(st.text(), st.text())
def test_no_text_becomes_markup(text, attribute):
    reader = read(element("p", text, title=attribute))
    assert reader.elements == ["p"]
    assert reader.text == text
    assert reader.attributes["title"] == attribute


@given(st.dictionaries(st.text(), st.text()))
def test_json_in_a_script_reads_back_and_cannot_end_the_script(value):
    written = script_json(value)
    assert json.loads(written) == value
    assert not set("<>&\u2028\u2029") & set(written)


def test_markup_is_not_escaped_twice_and_an_absent_attribute_is_left_out():
    assert joined([element("b", "<"), "<"]) == "<b>&lt;</b>&lt;"
    assert element("td", "x", class_=None) == "<td>x</td>"


def test_a_table_has_heads_with_scope_and_paints_signed_figures_only():
    found = table("Sums", ("name", "net", "why"), [("a", "+1.00", "+1 it was")], words=("why",))
    assert found.count('scope="col"') == 3
    assert found.count('scope="row"') == 1
    assert '<td class="gain">+1.00</td>' in found
    assert '<td class="words">+1 it was</td>' in found
    assert "<td>-PERP</td>" in table("t", ("a", "b"), [("x", "-PERP")])


def test_an_interval_is_painted_only_where_it_leaves_zero_out():
    ends = ("-2.0 to +3.0", "+1.0 to +3.0", "-3.0 to -1.0")
    found = table("t", ("a", "b"), [("x", one) for one in ends])
    assert "<td>-2.0 to +3.0</td>" in found
    assert '<td class="gain">+1.0 to +3.0</td>' in found
    assert '<td class="loss">-3.0 to -1.0</td>' in found
