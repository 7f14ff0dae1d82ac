import { Levqor } from "@levqor/sdk";

const levqor = new Levqor();
const started = await levqor.runs.start("order-digest", { minimum: 200 });
const run = await levqor.runs.wait(started.id, { timeout: 60 });
console.log(run.id, run.state, run.output);
