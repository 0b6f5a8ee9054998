// Runs the unmodified npm client of Slack's API in a process of its own: the calls and answers of slack_process.py.
// A call is the path of a method: admin.users.session.reset.

const readline = require("node:readline");
const { WebClient } = require(process.argv[2]);

async function answer({ host, key, call, arguments: given }) {
  const web = new WebClient(key ?? undefined, { slackApiUrl: `${host}/api/`, retryConfig: { retries: 0 }, timeout: 30_000 });
  const names = call.split(".");
  const method = names.pop();
  const family = names.reduce((found, name) => found[name], web);
  const body = await family[method](given);
  return { status: 200, headers: {}, body, error: null };
}

async function serve() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const told = await answer(JSON.parse(line)).catch((error) => ({
      status: error.data ? 200 : (error.statusCode ?? null),
      headers: {},
      body: error.data ?? error.body ?? String(error),
      error: error.code ?? error.name,
    }));
    process.stdout.write(JSON.stringify(told) + "\n");
  }
}

serve();
