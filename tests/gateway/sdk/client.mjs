// What the official `openai` package of Node does with a gateway; prints what it got as one JSON object.
// usage: node client.mjs PACKAGE URL MODEL, where PACKAGE is the folder of the installed package
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, url, model] = process.argv.slice(2);
const entry = createRequire(`${folder}/package.json`).resolve("openai");
const { default: OpenAI } = await import(pathToFileURL(entry).href);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-client", maxRetries: 0, timeout: 20000 });
const tool = { type: "function", function: { name: "weather", parameters: { type: "object", properties: {} } } };
const asks = (content) => ({ model, messages: [{ role: "user", content }] });
const raised = async (promise) => {
  try {
    await promise;
    return "nothing";
  } catch (error) {
    return error.constructor.name;
  }
};
const got = {};

got.chat = (await client.chat.completions.create(asks("hi"))).choices[0].message.content;

got.stream = "";
const asked = { ...asks("hi"), stream: true, stream_options: { include_usage: true } };
for await (const chunk of await client.chat.completions.create(asked)) {
  got.stream += chunk.choices[0]?.delta.content ?? "";
  got.tokens = chunk.usage?.total_tokens;
}

const runner = client.chat.completions.stream({ ...asks("weather?"), tools: [tool] });
const called = (await runner.finalChatCompletion()).choices[0].message.tool_calls;
got.calls = called.map((call) => [call.id, call.function.name, JSON.parse(call.function.arguments)]);

const form = { type: "json_schema", json_schema: { name: "person", strict: true, schema: { type: "object" } } };
const person = await client.chat.completions.parse({ ...asks("who?"), response_format: form });
got.person = JSON.parse(person.choices[0].message.content);

got.errors = {};
for (const status of ["400", "422", "429", "500"]) {
  got.errors[status] = await raised(client.chat.completions.create(asks(status)));
}
got.errors.nobody = await raised(client.chat.completions.create({ ...asks("hi"), model: "nobody" }));
got.errors.late = await raised(client.chat.completions.create(asks("late"), { timeout: 100 }));

const stream = await client.chat.completions.create({ ...asks("hang"), stream: true });
for await (const chunk of stream) {
  if (chunk.choices[0].delta.content) break; // which closes it
}
got.closed = stream.controller.signal.aborted;

const models = [];
for await (const each of client.models.list()) models.push(each.id);
got.models = models;
if (model === "gpt") got.embedding = (await client.embeddings.create({ model, input: "hi" })).data[0].embedding;

console.log(JSON.stringify(got));
