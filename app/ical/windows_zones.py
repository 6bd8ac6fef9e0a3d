"""Windows' names of zones → IANA zones, as Unicode CLDR has them for the whole world (territory 001).

A person who types "Eastern" is asked what they mean (`app.core.zone_aliases`); a mail's TZID is a program's, and means
the zone of that name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.core.zone_aliases import ALIASES

_MORE: Final = """
utc = UTC
coordinated_universal_time = UTC
utc_02, mid_atlantic_standard_time = Etc/GMT+2
utc_08 = Etc/GMT+8
utc_09 = Etc/GMT+9
utc+12, kamchatka_standard_time = Etc/GMT-12
utc+13 = Etc/GMT-13
aleutian_standard_time = America/Adak
marquesas_standard_time = Pacific/Marquesas
pacific_standard_time_(mexico) = America/Tijuana
mountain_standard_time_(mexico) = America/Mazatlan
central_standard_time_(mexico) = America/Mexico_City
eastern_standard_time_(mexico) = America/Cancun
yukon_standard_time = America/Whitehorse
easter_island_standard_time = Pacific/Easter
cuba_standard_time = America/Havana
haiti_standard_time = America/Port-au-Prince
turks_and_caicos_standard_time = America/Grand_Turk
central_brazilian_standard_time = America/Cuiaba
tocantins_standard_time = America/Araguaina
saint_pierre_standard_time = America/Miquelon
bahia_standard_time = America/Bahia
magallanes_standard_time = America/Punta_Arenas
sao_tome_standard_time = Africa/Sao_Tome
libya_standard_time = Africa/Tripoli
namibia_standard_time = Africa/Windhoek
sudan_standard_time = Africa/Khartoum
south_sudan_standard_time = Africa/Juba
e._europe_standard_time = Europe/Chisinau
kaliningrad_standard_time = Europe/Kaliningrad
belarus_standard_time = Europe/Minsk
syria_standard_time = Asia/Damascus
west_bank_standard_time = Asia/Hebron
volgograd_standard_time = Europe/Volgograd
astrakhan_standard_time = Europe/Astrakhan
saratov_standard_time = Europe/Saratov
russia_time_zone_3 = Europe/Samara
mauritius_standard_time = Indian/Mauritius
ekaterinburg_standard_time = Asia/Yekaterinburg
qyzylorda_standard_time = Asia/Qyzylorda
omsk_standard_time = Asia/Omsk
altai_standard_time = Asia/Barnaul
w._mongolia_standard_time = Asia/Hovd
north_asia_standard_time = Asia/Krasnoyarsk
tomsk_standard_time = Asia/Tomsk
north_asia_east_standard_time = Asia/Irkutsk
malay_peninsula_standard_time = Asia/Singapore
transbaikal_standard_time = Asia/Chita
yakutsk_standard_time = Asia/Yakutsk
north_korea_standard_time = Asia/Pyongyang
aus_central_w._standard_time = Australia/Eucla
lord_howe_standard_time = Australia/Lord_Howe
bougainville_standard_time = Pacific/Bougainville
sakhalin_standard_time = Asia/Sakhalin
magadan_standard_time = Asia/Magadan
norfolk_standard_time = Pacific/Norfolk
russia_time_zone_10 = Asia/Srednekolymsk
russia_time_zone_11 = Asia/Kamchatka
chatham_islands_standard_time = Pacific/Chatham
line_islands_standard_time = Pacific/Kiritimati
"""


def _read() -> dict[str, str]:
    rows = (line.partition(" = ") for line in _MORE.strip().splitlines())
    more = {name: zone for names, _, zone in rows for name in names.split(", ")}
    listed = {name: zones[0] for name, zones in ALIASES.items() if name.endswith(("_standard_time", "_daylight_time"))}
    return listed | more


WINDOWS_ZONES: Final[Mapping[str, str]] = _read()
"""Folded name (lower case, blanks and dashes as `_`) → IANA zone."""
