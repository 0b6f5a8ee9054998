// Reads an OpenAPI document and makes a form of each operation. What a server says becomes text, never markup.
"use strict";
const METHODS = ["get", "post", "put", "patch", "delete"];
const SHOWN = ["content-type", "etag", "location", "retry-after", "x-request-id"];
const found = (id) => document.getElementById(id);
let last = 0;

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function labelled(text, field, about) {
  field.id = `field-${++last}`;
  const told = about ? [make("span", { class: "quiet", id: `${field.id}-about` }, about)] : [];
  if (about) field.setAttribute("aria-describedby", `${field.id}-about`);
  return make("p", {}, make("label", { for: field.id }, text), field, ...told);
}

function resolved(schema, all) {
  return schema.$ref ? resolved(all[schema.$ref.split("/").pop()] ?? {}, all) : schema;
}

// What has to be given, filled in so that it can be changed.
function example(given, all, depth = 0) {
  const schema = resolved(given, all);
  if ("default" in schema) return schema.default;
  if (schema.enum) return schema.enum[0];
  const options = schema.anyOf ?? schema.allOf ?? schema.oneOf;
  if (options) return example(options.find((each) => each.type !== "null") ?? {}, all, depth);
  if (schema.type === "array") return [];
  if (schema.type === "boolean") return false;
  if (schema.type === "integer" || schema.type === "number") return 0;
  if (schema.type !== "object" || depth > 4) return schema.type === "object" ? {} : "";
  const names = (schema.required ?? []).filter((name) => schema.properties?.[name]);
  return Object.fromEntries(names.map((name) => [name, example(schema.properties[name], all, depth + 1)]));
}

function listed(given, all) {
  const schema = resolved(given, all);
  const names = Object.keys(schema.properties ?? {});
  const needed = new Set(schema.required ?? []);
  return [schema.description ?? "", names.map((name) => (needed.has(name) ? `${name}*` : name)).join(", ")]
    .filter(Boolean).join(" Members: ");
}

function operation(base, path, method, about, all) {
  const fields = (about.parameters ?? []).map((each) => {
    const field = make("input", { autocomplete: "off", spellcheck: "false" });
    field.required = Boolean(each.required);
    return { ...each, field, row: labelled(`${each.name} (${each.in})`, field, each.description) };
  });
  const [type, media] = Object.entries(about.requestBody?.content ?? {})[0] ?? [];
  const body = type && make("textarea", { rows: "6", spellcheck: "false" });
  const said = make("pre", { role: "status" });
  const form = make("form", {}, ...fields.map((each) => each.row));
  if (body) {
    const shape = media.schema ?? {};
    body.value = type.includes("json") ? JSON.stringify(example(shape, all), null, 2) : "";
    form.append(labelled(`Body (${type})`, body, listed(shape, all)));
  }
  form.append(make("p", {}, make("button", {}, "Send")), said);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(base + path, method, fields, body && { type, text: body.value }, Boolean(about.security), said);
  });
  const answers = Object.entries(about.responses ?? {}).map(([status, each]) => `${status} ${each.description}`);
  const inside = make("div", { class: "operation" });
  if (about.description) inside.append(make("p", {}, about.description));
  inside.append(form, make("h2", {}, "Answers"), make("p", { class: "quiet" }, answers.join(" · ")));
  const head = [make("span", { class: "method" }, method.toUpperCase()), " ", make("code", {}, base + path)];
  return make("details", {}, make("summary", {}, ...head, " ", about.summary ?? ""), inside);
}

async function send(path, method, fields, body, guarded, said) {
  const headers = new Headers(body ? { "content-type": body.type } : {});
  const query = new URLSearchParams();
  let target = path;
  if (guarded && found("key").value) headers.set("authorization", `Bearer ${found("key").value}`);
  for (const { name, in: place, field } of fields) {
    if (place === "path") target = target.replace(`{${name}}`, encodeURIComponent(field.value));
    else if (field.value && place === "header") headers.set(name, field.value);
    else if (field.value && place === "query") query.append(name, field.value);
  }
  const whole = query.size ? `${target}?${query}` : target;
  said.textContent = "…";
  try {
    const answer = await fetch(whole, {
      method: method.toUpperCase(), headers, body: body?.text, credentials: "omit", redirect: "manual",
    });
    const told = SHOWN.filter((name) => answer.headers.has(name)).map((name) => `${name}: ${answer.headers.get(name)}`);
    said.textContent = [`${answer.status} ${answer.statusText}`, ...told, "", pretty(await answer.text())].join("\n");
  } catch (error) {
    said.textContent = `Nothing was answered: ${error.message}`;
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function show() {
  const path = found("document").value;
  found("operations").replaceChildren();
  found("state").textContent = "Loading …";
  try {
    const answer = await fetch(path, { credentials: "omit" });
    const about = await answer.json();
    const server = about.servers?.[0]?.url ?? "";
    const base = server.startsWith("/") ? server : "";
    const all = about.components?.schemas ?? {};
    const rows = Object.entries(about.paths).flatMap(([each, item]) =>
      METHODS.filter((method) => item[method]).map((method) => operation(base, each, method, item[method], all)));
    found("operations").replaceChildren(...rows);
    found("state").textContent = `${about.info.title}, ${about.info.version}: ${rows.length} operations.`;
  } catch (error) {
    found("state").textContent = `The document cannot be read: ${error.message}`;
  }
}

found("asking").addEventListener("submit", (event) => event.preventDefault());
found("document").addEventListener("change", show);
show();
