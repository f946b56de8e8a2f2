const reply = await fetch((globalThis.Deno?.args ?? process.argv.slice(2))[0]);
console.log(await reply.text());
if (!reply.ok) throw new Error(`status ${reply.status}`);
