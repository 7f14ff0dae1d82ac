import { Levqor } from "@levqor/sdk";

const levqor = new Levqor();
for await (const run of levqor.runs.iterateRuns()) {
  console.log(run.id, run.workflow.slug, run.state);
}
