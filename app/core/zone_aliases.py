"""Names people write for a zone that the IANA database does not have: abbreviations, Windows names, large
cities.

They are only offered in hints, never taken in silence: CST is Chicago to some and Shanghai to others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PLAIN: Final = """
pst, pdt, pt, pst8, pacific, pacific_time, us_pacific = America/Los_Angeles
mst, mdt, mt, mst7, mountain, mountain_time = America/Denver America/Phoenix
cst, cdt, ct, cst6, central, central_time = America/Chicago Asia/Shanghai
est, edt, et, est5, eastern, eastern_time = America/New_York America/Toronto
akst, akdt, alaska = America/Anchorage
hst, hawaii = Pacific/Honolulu
ast, adt, atlantic = America/Halifax
nst, ndt = America/St_Johns
brt = America/Sao_Paulo
art = America/Argentina/Buenos_Aires
bst = Europe/London
ist = Asia/Kolkata Europe/Dublin Asia/Jerusalem
cet, cest, mez, mesz = Europe/Berlin Europe/Paris
eet, eest = Europe/Athens Europe/Helsinki
wet, west = Europe/Lisbon
msk = Europe/Moscow
trt = Europe/Istanbul
gst = Asia/Dubai
pkt = Asia/Karachi
sgt = Asia/Singapore
hkt = Asia/Hong_Kong
jst = Asia/Tokyo
kst = Asia/Seoul
wib = Asia/Jakarta
awst = Australia/Perth
acst, acdt = Australia/Adelaide
aest, aedt = Australia/Sydney Australia/Brisbane
nzst, nzdt = Pacific/Auckland
cat = Africa/Maputo
eat = Africa/Nairobi
wat = Africa/Lagos
sast = Africa/Johannesburg
utc, gmt, z, zulu, greenwich = UTC
san_francisco, seattle, san_diego, las_vegas, portland, los_angeles = America/Los_Angeles
boston, washington, washington_dc, miami, atlanta, philadelphia, nyc = America/New_York
houston, dallas, austin = America/Chicago
salt_lake_city, boulder = America/Denver
ottawa = America/Toronto
calgary = America/Edmonton
munich, frankfurt, hamburg, cologne, stuttgart, germany = Europe/Berlin
geneva, switzerland = Europe/Zurich
barcelona, spain = Europe/Madrid
milan, italy = Europe/Rome
lyon, france = Europe/Paris
edinburgh, manchester, england, uk = Europe/London
st_petersburg, saint_petersburg = Europe/Moscow
mumbai, delhi, new_delhi, bangalore, bengaluru, chennai, india = Asia/Kolkata
beijing, peking, shenzhen, guangzhou, china = Asia/Shanghai
osaka, japan = Asia/Tokyo
hanoi = Asia/Ho_Chi_Minh
abu_dhabi = Asia/Dubai
tel_aviv = Asia/Jerusalem
canberra = Australia/Sydney
wellington = Pacific/Auckland
cape_town, pretoria = Africa/Johannesburg
rio_de_janeiro, brasilia = America/Sao_Paulo
"""

_WINDOWS: Final = """
dateline = Etc/GMT+12
utc_11 = Etc/GMT+11
hawaiian = Pacific/Honolulu
alaskan = America/Anchorage
pacific = America/Los_Angeles
us_mountain = America/Phoenix
mountain = America/Denver
central_america = America/Guatemala
central = America/Chicago
canada_central = America/Regina
mexico, central_(mexico) = America/Mexico_City
sa_pacific = America/Bogota
eastern = America/New_York
us_eastern = America/Indiana/Indianapolis
venezuela = America/Caracas
paraguay = America/Asuncion
atlantic = America/Halifax
sa_western = America/La_Paz
pacific_sa = America/Santiago
newfoundland = America/St_Johns
e._south_america = America/Sao_Paulo
argentina = America/Argentina/Buenos_Aires
sa_eastern = America/Cayenne
greenland = America/Nuuk
montevideo = America/Montevideo
azores = Atlantic/Azores
cape_verde = Atlantic/Cape_Verde
gmt = Europe/London
greenwich = Atlantic/Reykjavik
morocco = Africa/Casablanca
w._europe = Europe/Berlin
central_europe = Europe/Budapest
romance = Europe/Paris
central_european = Europe/Warsaw
w._central_africa = Africa/Lagos
gtb = Europe/Bucharest
middle_east = Asia/Beirut
egypt = Africa/Cairo
south_africa = Africa/Johannesburg
fle = Europe/Kyiv
israel = Asia/Jerusalem
jordan = Asia/Amman
turkey = Europe/Istanbul
russian = Europe/Moscow
arabic = Asia/Baghdad
arab = Asia/Riyadh
e._africa = Africa/Nairobi
iran = Asia/Tehran
arabian = Asia/Dubai
caucasus = Asia/Yerevan
azerbaijan = Asia/Baku
georgian = Asia/Tbilisi
afghanistan = Asia/Kabul
west_asia = Asia/Tashkent
pakistan = Asia/Karachi
india = Asia/Kolkata
sri_lanka = Asia/Colombo
nepal = Asia/Kathmandu
bangladesh = Asia/Dhaka
central_asia = Asia/Almaty
myanmar = Asia/Yangon
se_asia = Asia/Bangkok
n._central_asia = Asia/Novosibirsk
china = Asia/Shanghai
singapore = Asia/Singapore
w._australia = Australia/Perth
taipei = Asia/Taipei
ulaanbaatar = Asia/Ulaanbaatar
tokyo = Asia/Tokyo
korea = Asia/Seoul
cen._australia = Australia/Adelaide
aus_central = Australia/Darwin
e._australia = Australia/Brisbane
aus_eastern = Australia/Sydney
west_pacific = Pacific/Port_Moresby
tasmania = Australia/Hobart
vladivostok = Asia/Vladivostok
central_pacific = Pacific/Guadalcanal
new_zealand = Pacific/Auckland
fiji = Pacific/Fiji
tonga = Pacific/Tongatapu
samoa = Pacific/Apia
"""


def _read(table: str, endings: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    rows = (line.partition(" = ") for line in table.strip().splitlines())
    return {
        name + ending: tuple(zones.split())
        for names, _, zones in rows
        for name in names.split(", ")
        for ending in endings
    }


ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    **_read(_WINDOWS, ("_standard_time", "_daylight_time")),
    **_read(_PLAIN, ("",)),
}
"""Folded name (lower case, blanks as `_`) → the IANA zones it may mean, the likeliest first."""
