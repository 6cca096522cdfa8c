"""The local date of a place: a rate changes at midnight there, not in Greenwich."""

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from billing_tax.domain.places import Place

CACHED_DATES_MAX = 65_536

# One zone a place: that of its tax authority's seat.
_ZONES = {
    "Europe": """
        AT:Vienna BE:Brussels BG:Sofia CH:Zurich CZ:Prague DE:Berlin DK:Copenhagen EE:Tallinn ES:Madrid FI:Helsinki
        FR:Paris GB:London GR:Athens HR:Zagreb HU:Budapest IE:Dublin IT:Rome LT:Vilnius LU:Luxembourg LV:Riga MT:Malta
        NL:Amsterdam NO:Oslo PL:Warsaw PT:Lisbon RO:Bucharest SE:Stockholm SI:Ljubljana SK:Bratislava XI:London
        """,
    "Asia": "CY:Nicosia JP:Tokyo SG:Singapore",
    "Atlantic": "PT-20:Azores PT-30:Madeira",
    "Australia": "AU:Sydney",
    "Pacific": "NZ:Auckland US-HI:Honolulu",
    "America": """
        CA:Toronto CA-AB:Edmonton CA-BC:Vancouver CA-MB:Winnipeg CA-NB:Moncton CA-NL:St_Johns CA-NS:Halifax
        CA-NT:Yellowknife CA-PE:Halifax CA-SK:Regina CA-YT:Whitehorse US:New_York US-AK:Anchorage US-AL:Chicago
        US-AR:Chicago US-AZ:Phoenix US-CA:Los_Angeles US-CO:Denver US-IA:Chicago US-ID:Boise US-IL:Chicago
        US-IN:Indiana/Indianapolis US-KS:Chicago US-LA:Chicago US-MN:Chicago US-MO:Chicago US-MS:Chicago US-MT:Denver
        US-ND:Chicago US-NE:Chicago US-NM:Denver US-NV:Los_Angeles US-OK:Chicago US-OR:Los_Angeles US-SD:Chicago
        US-TN:Chicago US-TX:Chicago US-UT:Denver US-WA:Los_Angeles US-WI:Chicago US-WY:Denver
        """,
}
ZONES = {
    code: f"{continent}/{city}"
    for continent, cities in _ZONES.items()
    for code, city in (pair.split(":") for pair in cities.split())
}


@lru_cache(CACHED_DATES_MAX)
def local_date(place: Place, at: datetime) -> date:
    """The date at `place` at the aware instant `at`; in UTC where the place has no zone here."""
    zone = ZONES.get(place.code) or ZONES.get(place.country)
    return at.astimezone(ZoneInfo(zone) if zone else UTC).date()
