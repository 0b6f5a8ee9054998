// Runs an unmodified npm client in a process of its own: the calls and answers of kratos_process.py, and its models,
// which are plain values here. Names of operations and arguments come in Python's spelling.

const readline = require("node:readline");
const client = require(process.argv[2]);

const BEARER = process.argv[2] === "@ory/client";
const SPELLED = { externalId: "externalID", getIdentityByExternalId: "getIdentityByExternalID" };

function camel(name) {
  const plain = name.replace(/_+(.)/g, (_, letter) => letter.toUpperCase());
  return SPELLED[plain] ?? plain;
}

function build(value) {
  if (Array.isArray(value)) return value.map(build);
  if (value === null || typeof value !== "object") return value;
  if ("of" in value && "$" in value) return build(value.of);
  const members = Object.entries(value).filter(([name]) => name !== "$");
  return Object.fromEntries(members.map(([name, item]) => [name, build(item)]));
}

async function answer({ host, key, prefix, api, call, arguments: given }) {
  const secret = key === null ? {} : BEARER ? { accessToken: key } : { apiKey: prefix ? `${prefix} ${key}` : key };
  const configuration = new client.Configuration({ basePath: host, ...secret });
  const named = Object.entries(build(given)).map(([name, value]) => [camel(name), value]);
  const got = await new client[api](configuration)[camel(call)](Object.fromEntries(named), { timeout: 30_000 });
  return said(got, null);
}

function said(got, error) {
  return { status: got.status, body: got.data === "" ? null : got.data, headers: { ...got.headers }, error };
}

async function serve() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const told = await answer(JSON.parse(line)).catch((error) =>
      error.response ? said(error.response, error.name) : { status: null, body: String(error), headers: {}, error: error.name },
    );
    process.stdout.write(JSON.stringify(told) + "\n");
  }
}

serve();
