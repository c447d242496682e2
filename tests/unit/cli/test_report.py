import json

from cli.report import changed_settings
from settings import Settings, settings_json


def test_only_settings_away_from_their_default_are_listed_with_both_values():
    recorded = json.loads(settings_json(Settings()))
    assert changed_settings(json.dumps(recorded)) == ()
    recorded |= {"E3_VOLUME_Z": 2.5, "SYMBOLS": ["SOL-PERP", "BTC-PERP"]}
    changed = {one.name: one for one in changed_settings(json.dumps(recorded))}
    assert changed.keys() == {"E3_VOLUME_Z", "SYMBOLS"}
    assert (changed["E3_VOLUME_Z"].value, changed["E3_VOLUME_Z"].default) == ("2.5", "2.0")
    assert (changed["SYMBOLS"].value, changed["SYMBOLS"].default) == ("SOL-PERP, BTC-PERP", "SOL-PERP")
    assert changed["E3_VOLUME_Z"].meaning


def test_a_setting_of_another_version_is_listed_and_does_not_stop_the_report():
    (changed,) = changed_settings('{"OF_ANOTHER_TIME":1}')
    assert (changed.name, changed.default) == ("OF_ANOTHER_TIME", "(not a setting of this version)")
