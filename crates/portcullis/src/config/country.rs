//! The officially assigned country codes (ISO 3166-1 alpha-2), and `XK`, which databases use for Kosovo. Names are
//! deliberately left out: they change and translate, codes do not.

/// Whether a country has this code.
pub(crate) fn is_country(code: &str) -> bool {
    all().any(|known| known == code)
}

/// Every code.
pub(crate) fn all() -> impl Iterator<Item = &'static str> + Clone {
    CODES.split_ascii_whitespace()
}

/// What to write for a code that is none; the mistakes that people do make.
pub(crate) fn hint(code: &str) -> String {
    let upper = code.to_ascii_uppercase();
    match upper.as_str() {
        "UK" => "the United Kingdom is `GB`".to_owned(),
        "EL" => "Greece is `GR`".to_owned(),
        "EU" => "the European Union is no country here; list its members".to_owned(),
        _ if is_country(&upper) => format!("codes are upper case: `{upper}`"),
        _ => "write a code of ISO 3166-1 alpha-2, two letters: `US`".to_owned(),
    }
}

const CODES: &str = "
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT
MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ
UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::{all, hint, is_country};

    #[test]
    fn there_are_as_many_as_the_standard_assigns_and_kosovo() {
        assert_eq!(all().count(), 249 + 1);
        let mut sorted: Vec<_> = all().collect();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 250);
        assert!(all().all(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())));
    }

    #[test]
    fn common_mistakes_are_put_right() {
        assert!(!is_country("UK") && hint("UK").contains("`GB`"));
        assert!(!is_country("us") && hint("us").contains("`US`"));
        assert!(hint("Germany").contains("two letters"));
    }
}
