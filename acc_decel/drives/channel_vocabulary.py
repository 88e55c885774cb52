"""The words by which loggers name their channels, in five languages: one table, by which all names are judged.

Names are compared as `channel_names.words` writes them: lower case, without accents, words apart. An entry is a regular
expression; between entries of one role is "or".
"""

# fmt: off
VOCABULARY: dict[str, dict[str, str]] = {
    "time": {
        "English": r"\b(time|timestamps?|ts?|timestep|datetime|date|utc|clock|epoch|elapsed|uptime|i?tow|secs?|seconds"
                   r"|millis|micros|nanos)\b",
        "German":  r"zeit\b|zeitstempel|zeitpunkt|\bdatum\b|\bsekunden\b",
        "French":  r"\b(temps|heure|horodatage|secondes?)\b",
        "Spanish": r"\b(tiempo|hora|fecha|segundos?)\b",
        "Russian": r"\b(время|дата|секунд[аы]?)\b",
    },
    "not_time": {
        "English": r"\b(zone|offset|delta|interval|lap|accuracy|valid|gap|headway|ttc|collision|response|exposure)\b",
    },
    "speed": {
        "English": r"speed|veloc|spd\b|\bvel\b|\bvx\b|\bkmh\b|\bkph\b|\bmph\b|tacho|\bso ?g\b|\bvss\b"
                   r"|^v( (own|ego|x|car|fzg|fahrzeug|veh\w*|gps|can|obd|lon\w*|kmh|kph|mph|mps|ms|ist|\d+))*$",
        "German":  r"geschwindig|geschw\b|\btempo\b",
        "French":  r"vitesse",
        "Spanish": r"velocidad",
        "Russian": r"скорост",
    },
    "not_speed": {
        "English": r"engine|motor|rpm|\bwind|\bfan|turbo|angular|\brate\b|rotation|yaw|limit|accuracy|valid|target"
                   r"|\bset\b"
                   r"|cruise|desired|idle|relative|\blead\b|delta|error|command|\bcmd\b|\bref|gear|\bmax\b|\bmin\b|avg"
                   r"|average|pump|vertical|lateral|steer|calc|\bdiff|\bvy\b|\bvz\b|radar|\bcount|status|quality"
                   r"|\bfront (vehicle|car|veh)\b|preceding|\bleading|\bahead\b|\bother\b|\bopponent|\bobj(ect)?s?\d*\b"
                   r"|obstacle|\bcipv\b|\bpov\b|\bfollow(er|ing)|trailer|turbine|shaft|transmission|predict"
                   r"|\blength\b|\bwidth\b|\bclass\b|\bbattery\b|\bvolt",
        "German":  r"drehzahl|\bsoll|\bziel|grenz|mittel|durchschnitt|begrenz|gier|voraus|vorder(mann|fahrzeug)|objekt",
        "French":  r"moteur|regime|\bvent\b|cible|consigne|limite|moyenne|lacet|precedent|devant|\bobjet",
        "Spanish": r"viento|objetivo|limite|media\b|maxim|minim|guinada|preceden|delantero|\bobjeto",
        "Russian": r"двигател|оборот|ветр|ветер|средн|максим|миним|огранич|задан|целев|углов|впереди|объект",
    },
    "own_car": {
        "English": r"vehicle|\bveh|\bcar\b|gps|gnss|obd|ground|\bego\b|\bhost\b|^speed$|^velocity$|\bso ?g\b|\bvss\b",
        "German":  r"fahrzeug|^geschwindigkeit$|fahrgeschwindigkeit",
        "French":  r"vehicule|voiture|^vitesse$",
        "Spanish": r"vehiculo|coche|^velocidad$",
        "Russian": r"автомобил|машин|^скорость$",
    },
    "wheel": {
        "English": r"wheel|\bws\b|\bfl\b|\bfr\b|\brl\b|\brr\b|tyre|tire",
        "German":  r"\brad\b|raddreh|reifen|\brad(geschw|vl|vr|hl|hr)",
        "French":  r"\broue",
        "Spanish": r"rueda",
        "Russian": r"колес",
    },
    "smoothed": {
        "English": r"filter|\bfilt\b|smooth|\bema\b",
        "German":  r"gefiltert|geglatt|geglaett",
        "French":  r"filtre|lisse",
        "Spanish": r"filtrad|suavizad",
        "Russian": r"фильтр|сглаж",
    },
    "acceleration": {
        "English": r"accel(?!er?ator)|\bacc\b|\bacc(?=[xyz]\b)|\ba[xyz]\b|\ba\b|g ?force|\bg ?[xyz]\b|decel|\blong? g\b"
                   r"|\bg lon|\binline",
        "German":  r"beschl|verzog|verzoeg",
        "French":  r"acceler|deceler",
        "Spanish": r"aceler|deceler",
        "Russian": r"ускорен|замедлен|перегрузк",
    },
    "not_acceleration": {
        "English": r"pedal|throttle|\bpos|position|percent|accuracy|valid|\blat|yaw|angular|gyro|roll|pitch|vert|status"
                   r"|radar|target|desired|request|\breq\b|command|\bcmd\b|lead|accel(er)?ator|\bstd\b",
        "German":  r"quer|soll|winkel|dreh|gier|nick|wank",
        "French":  r"accelerateur|transvers|lacet|angulaire",
        "Spanish": r"acelerador|transvers|angular",
        "Russian": r"педал|попереч|боков|вертикал|углов",
    },
    "longitudinal": {
        "English": r"\blon(g|gi|gitudinal)?\b|longitud|forward|\bfwd\b|inline|\bax\b|decel",
        "German":  r"langs|laengs|vorwarts|verzog|verzoeg",
        "French":  r"\bavant\b",
        "Spanish": r"adelante",
        "Russian": r"продольн|замедлен",
    },
    "deceleration": {  # positive where the car brakes
        "English": r"decel",
        "German":  r"verzog|verzoeg",
        "French":  r"deceler",
        "Spanish": r"deceler",
        "Russian": r"замедлен",
    },
    "without_gravity": {
        "English": r"\buser\b|\blinear\b|\blin\b|without gravity|no gravity|gravity removed",
        "German":  r"ohne (schwerkraft|gravitation)",
        "French":  r"sans (gravite|pesanteur)|lineaire",
        "Spanish": r"sin gravedad|lineal",
        "Russian": r"без (гравитации|силы тяжести)|линейн",
    },
    "latitude": {
        "English": r"^((gps|gnss|pos|position|location|loc|ins|wgs) ?)*lat( (deg|degrees|gps))?$"
                   r"|latitude(?! (acc|std|err))",
        "German":  r"breitengrad|geographische breite",
        "Spanish": r"^latitud$",
        "Russian": r"широта",
    },
    "longitude": {
        "English": r"^((gps|gnss|pos|position|location|loc|ins|wgs) ?)*lo?ng?( (deg|degrees|gps))?$"
                   r"|longitude(?! (acc|std|err))",
        "German":  r"langengrad|laengengrad|geographische lange",
        "Spanish": r"^longitud$",
        "Russian": r"долгота",
    },
    "distance": {
        "English": r"\bdistance\b|\bodometer\b|\bodo\b|\bmileage\b",
        "German":  r"strecke|\bweg\b|wegstrecke|kilometerstand",
        "French":  r"\bdistance\b",
        "Spanish": r"distancia",
        "Russian": r"расстояние|пробег|дистанция",
    },
    "no_unit": {  # what stands in brackets behind a name and is no unit
        "English": r"^(gps|gnss|obd|obd ?(2|ii)|can|canbus|can bus|ecu|imu|raw|filtered|smoothed"
                   r"|calc|calculated|computed|abs|vehicle|car"
                   r"|front|rear|left|right|fl|fr|rl|rr|x|y|z|long\w*|lat\w*|lateral|forward|positive forward|est"
                   r"|estimated|sensor|device|phone|measured|true|corrected|avg|mean|2d|3d|ego|kalman|body|absolute|total"
                   r"|utc|gmt|local|epoch"
                   r"|((unix|posix|epoch|utc|gps|local|system|device) )*(time|epoch)|unix|posix|since 1970"
                   r"|since start|elapsed|relative|unitless|none|index|\d+)$",
    },
}
# fmt: on
