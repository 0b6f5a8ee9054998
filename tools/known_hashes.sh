#!/usr/bin/env bash
# Prints a hash of one password in each format that can be imported, made by OpenSSL, Perl's crypt(3) and
# cryptography: none of it by the code that will check them. tests/core/credentials/known_hashes.py holds the output.
set -eu -o pipefail

password=${1:-correct horse battery staple}
salt=16_bytes_of_salt
template=$(printf '{SALT}:{PASSWORD}' | base64)

b64() { base64 -w0; }
bare() { base64 -w0 | tr -d =; }
digest() { printf %s "$2" | openssl dgst -provider legacy -provider default -binary "-$1"; }
salted() { { digest "$2" "$password$salt"; printf %s "$salt"; } | b64; }
say() { printf '%s %s\n' "$1" "$2"; }

derive() { openssl kdf -binary -kdfopt "pass:$password" "$@"; }
pbkdf2() { derive -keylen "$2" -kdfopt "digest:SHA$1" -kdfopt "salt:$salt" -kdfopt iter:1000 PBKDF2 | bare; }
argon2() {
  python3 - "$1" "$password" "$salt" <<'PY'
import sys
from cryptography.hazmat.primitives.kdf import argon2

kind, password, salt = sys.argv[1:]
made = getattr(argon2, kind)(salt=salt.encode(), length=32, iterations=2, lanes=1, memory_cost=256)
print(made.derive_phc_encoded(password.encode()) if kind == "Argon2id" else made.derive(password.encode()).hex())
PY
}
# Firebase: the key that scrypt derives encrypts the project's signer key; the ciphertext is the hash.
firescrypt() {
  local key separator=Bw== signer=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==
  key=$(derive -keylen 32 -kdfopt "hexsalt:$(printf '%s\x07' "$salt" | xxd -p -c256)" \
    -kdfopt n:1024 -kdfopt r:8 -kdfopt p:1 SCRYPT | xxd -p -c64)
  printf '$firescrypt$ln=10,r=8,p=1$%s$%s$%s$%s' "$(printf %s "$salt" | b64)" \
    "$(printf %s "$signer" | base64 -d | openssl enc -aes-256-ctr -K "$key" -iv 00000000000000000000000000000000 | b64)" \
    "$separator" "$signer"
}

for kind in 2a 2b 2y; do say "bcrypt-$kind" "$(perl -e 'print crypt $ARGV[0], $ARGV[1]' "$password" "\$$kind\$05\$CCCCCCCCCCCCCCCCCCCCC.")"; done
say argon2id "$(argon2 Argon2id)"
say argon2i "\$argon2i\$v=19\$m=256,t=2,p=1\$$(printf %s "$salt" | bare)\$$(argon2 Argon2i | xxd -r -p | bare)"
for bits in 1:20 224:28 256:32 384:48 512:64; do
  size=${bits#*:} bits=${bits%:*}
  say "pbkdf2-sha$bits" "\$pbkdf2-sha$bits\$i=1000,l=$size\$$(printf %s "$salt" | bare)\$$(pbkdf2 "$bits" "$size")"
done
say scrypt "\$scrypt\$ln=1024,r=8,p=1\$$(printf %s "$salt" | b64)\$$(
  derive -keylen 32 -kdfopt "salt:$salt" -kdfopt n:1024 -kdfopt r:8 -kdfopt p:1 SCRYPT | b64)"
say firescrypt "$(firescrypt)"
say ssha "{SSHA}$(salted - sha1)"
say ssha256 "{SSHA256}$(salted - sha256)"
say ssha512 "{SSHA512}$(salted - sha512)"
for name in sha1 sha256 sha512 md5; do
  say "$name" "\$$name\$pf=$template\$$(printf %s "$salt" | b64)\$$(digest "$name" "$salt:$password" | b64)"
done
say md5-bare "\$md5\$$(digest md5 "$password" | b64)"
say md5-crypt "\$md5-crypt\$$(openssl passwd -1 -salt 8_ofsalt "$password" | cut -d'$' -f3-)"
say sha256-crypt "\$sha256-crypt\$$(openssl passwd -5 -salt "$salt" "$password" | cut -d'$' -f3-)"
say sha512-crypt "\$sha512-crypt\$$(perl -e 'print crypt $ARGV[0], $ARGV[1]' "$password" "\$6\$rounds=1000\$$salt" | cut -d'$' -f3-)"
for name in md4 md5 sha1 sha224 sha256 sha384 sha512; do
  say "hmac-$name" "\$hmac-$name\$$(printf %s "$password" |
    openssl dgst -provider legacy -provider default "-$name" -hmac "$salt" | sed 's/.*= //' | tr -d '\n' | b64)\$$(printf %s "$salt" | b64)"
done
