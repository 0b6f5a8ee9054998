"""One hash of PASSWORD in each format that can be imported, as tools/known_hashes.sh printed them: none made by the
code that checks them."""

PASSWORD = "correct horse battery staple"

KNOWN = {
    "bcrypt-2a": "$2a$05$CCCCCCCCCCCCCCCCCCCCC.poIKaw08HWUz4zkVKLs8VPIydUmXBPC",
    "bcrypt-2b": "$2b$05$CCCCCCCCCCCCCCCCCCCCC.poIKaw08HWUz4zkVKLs8VPIydUmXBPC",
    "bcrypt-2y": "$2y$05$CCCCCCCCCCCCCCCCCCCCC.poIKaw08HWUz4zkVKLs8VPIydUmXBPC",
    "argon2id": "$argon2id$v=19$m=256,t=2,p=1$MTZfYnl0ZXNfb2Zfc2FsdA$hMazLql+wTN6qEFO4mQ3zcASk29mrptl9GWQre9EhQY",
    "argon2i": "$argon2i$v=19$m=256,t=2,p=1$MTZfYnl0ZXNfb2Zfc2FsdA$T+WY1nr2ja7Kn4YBnno5ytypY1+AB6DDx56IQNkzRjI",
    "pbkdf2-sha1": "$pbkdf2-sha1$i=1000,l=20$MTZfYnl0ZXNfb2Zfc2FsdA$L30WrcVgOOAFvnxZ609XuNjap+Y",
    "pbkdf2-sha224": "$pbkdf2-sha224$i=1000,l=28$MTZfYnl0ZXNfb2Zfc2FsdA$ug6N7PEbDafCeIHBXIyj+Y7hH0Mwsr2Gk0qCjQ",
    "pbkdf2-sha256": "$pbkdf2-sha256$i=1000,l=32$MTZfYnl0ZXNfb2Zfc2FsdA$W6n7sUJCeiit3h50EnnBXOKMhBVZUHI1RsVxz3OUTSA",
    "pbkdf2-sha384": (
        "$pbkdf2-sha384$i=1000,l=48$MTZfYnl0ZXNfb2Zfc2FsdA$LEjqNqlnqo+xV4NmGhjz5m5Bgyf6fkEbdyEbRyv0rKcMDlHRZ0"
        "oiJmTYIP+4HDsh"
    ),
    "pbkdf2-sha512": (
        "$pbkdf2-sha512$i=1000,l=64$MTZfYnl0ZXNfb2Zfc2FsdA$KfRJXKkTb5EKEKAmuKeLIKB4+YtF/GDX4UboUyni1bWCFG9a+H"
        "dHgNzA9iUiV5B9LXDy/hTtfs0AwjXBh8c/ig"
    ),
    "scrypt": "$scrypt$ln=1024,r=8,p=1$MTZfYnl0ZXNfb2Zfc2FsdA==$YOLYZ7bjgSSvQuDyP07OHxSqp5Vo8EtHwhiVZZrKpJM=",
    "firescrypt": (
        "$firescrypt$ln=10,r=8,p=1$MTZfYnl0ZXNfb2Zfc2FsdA==$jFtruCxjaU9othiaPKHgKYJzRVt00r+X9LxIenHcap9DzvdRJ"
        "Hnh0JBlt7mLMd/sa62qAzcTX9b7u1mE2yT04w==$Bw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmd"
        "ZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
    ),
    "ssha": "{SSHA}5J0fiOP8Ah9cBLuf3e2gBy8AaoUxNl9ieXRlc19vZl9zYWx0",
    "ssha256": "{SSHA256}wMqqlEQJs6rb9ZWX6nF2oyd4XLDgs01P4RU2K/ugTpIxNl9ieXRlc19vZl9zYWx0",
    "ssha512": (
        "{SSHA512}Ic44J6a8ovhey7HGaOeLjiSLfDo7NH1ci4EPKEA3a2rFGs0zT2cvMmLOKZc+LVQ4qAVrB5+3cSyt8KKESUC6IDE2X2J"
        "5dGVzX29mX3NhbHQ="
    ),
    "sha1": "$sha1$pf=e1NBTFR9OntQQVNTV09SRH0=$MTZfYnl0ZXNfb2Zfc2FsdA==$7MWeIdMAyYrgQPgCkaYMQBcp8Ic=",
    "sha256": (
        "$sha256$pf=e1NBTFR9OntQQVNTV09SRH0=$MTZfYnl0ZXNfb2Zfc2FsdA==$VknBtUdVc10w82YuOICvpKt0JHYWpoFeMe3ab2Kfjec="
    ),
    "sha512": (
        "$sha512$pf=e1NBTFR9OntQQVNTV09SRH0=$MTZfYnl0ZXNfb2Zfc2FsdA==$JaX1Upop3clXBwsACKe6yovDS93cBpe9R/zpImn"
        "kgOri4Fgj5obG7N9t1kkxcFmMEM1hGzGzY0UDZaUNyg0Z5Q=="
    ),
    "md5": "$md5$pf=e1NBTFR9OntQQVNTV09SRH0=$MTZfYnl0ZXNfb2Zfc2FsdA==$FPUAp8I+ukhGPmqPe/byzA==",
    "md5-bare": "$md5$nMKuihunqT2jm0b8EBnEgQ==",
    "md5-crypt": "$md5-crypt$8_ofsalt$z7bJbDBOrDlI93bT/igrL.",
    "sha256-crypt": "$sha256-crypt$16_bytes_of_salt$OMGQDoDpENKV5xTcoZ3LS9319.VG1nVcr.CTE4gDTY5",
    "sha512-crypt": (
        "$sha512-crypt$rounds=1000$16_bytes_of_salt$iHKtVbad9nZlUronP.akSgnmRRA4Oq4cIXaUqYOPqfvCNciIZwtSUFkBf"
        "pW.7vuY/9BePBfT5h9Mk53HnFQ891"
    ),
    "hmac-md4": "$hmac-md4$OGFjM2FjOGIwMjVkNmRlZTUwNjk0YzE1YWEyZTA4ZDc=$MTZfYnl0ZXNfb2Zfc2FsdA==",
    "hmac-md5": "$hmac-md5$NzQyZWViNmRlZWZmNmQ4ZjdjZmY4MzkyMjIwOGFlNWY=$MTZfYnl0ZXNfb2Zfc2FsdA==",
    "hmac-sha1": "$hmac-sha1$ODBjMGVhMjZkMDUwZThjNTIwZGMxMTg0NmM5OGI5OWNlMDJhMGVkMg==$MTZfYnl0ZXNfb2Zfc2FsdA==",
    "hmac-sha224": (
        "$hmac-sha224$NzZhMmYyMTlmNGM0NzBjZjBhM2RiNjg2MjRhZTBlZDFmNjcwMjZiYjg5ZWJmZmEwMmNmYmZlZDI=$MTZfYnl0ZX"
        "Nfb2Zfc2FsdA=="
    ),
    "hmac-sha256": (
        "$hmac-sha256$NDk3ZGI0NjcyNDEzOWVhNjBkNDM0MDU3NjlmYjkxMGI2ZjM1MWU0YzA4ZDY5ODZjMjhiNGU0MDg1ZTBhOTM5MA="
        "=$MTZfYnl0ZXNfb2Zfc2FsdA=="
    ),
    "hmac-sha384": (
        "$hmac-sha384$NjQ2OTcxYmQ0YjE5MWI1NzUyYjk1YjIwOGNhN2NmY2ZhZmI3YjA0ZmM0OTYwODRkNzQzMWRhNWYxM2RmNDgwZmV"
        "hNTAxNjJmZmI4ZDM1MGQ1Nzc2NDU0ZDFlMGFmNGE0$MTZfYnl0ZXNfb2Zfc2FsdA=="
    ),
    "hmac-sha512": (
        "$hmac-sha512$OTQxM2Q1MTFiMTExZGU4YTc3ZDYwZGNhOTRiZGI5ODljM2U5MGU3Njc1NzhhZjlmYjQ4ZTZjMmJlYmYyZGRkZTR"
        "jZjVhZmEzMDJkOTY2OWM2ZjY4YjYyOGRjNDljNWU2MTc0MzhlMzJkNzQ4ZGQxZTgwNDE0NTc5Mzc5NTBiZWI=$MTZfYnl0ZXNfb2"
        "Zfc2FsdA=="
    ),
}
