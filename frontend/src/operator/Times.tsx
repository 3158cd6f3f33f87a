import { count } from "../components/formats.ts";
import { operatorTexts } from "../operatorTexts.ts";
import { seconds } from "./formats.ts";
import { Section } from "./Section.tsx";
import type { Durations } from "./schemas.ts";
import { Table } from "./Table.tsx";

/** How long jobs of each kind waited and ran. */
export function Times({ durations }: { durations: readonly Durations[] }) {
  const text = operatorTexts.durations;
  const known = durations.filter(({ jobs }) => jobs > 0);
  return (
    <Section title={text.title}>
      {known.length === 0 ? (
        <p className="empty">{text.none}</p>
      ) : (
        <Table
          label={text.title}
          items={known}
          keyOf={({ kind }) => kind}
          columns={[
            { name: text.kind, isTitle: true, of: ({ kind }) => <strong>{operatorTexts.kind[kind]}</strong> },
            { name: text.jobs, isNumber: true, of: ({ jobs }) => count(jobs) },
            { name: text.waitAverage, isNumber: true, of: ({ waitSeconds }) => seconds(waitSeconds.average) },
            { name: text.waitP50, isNumber: true, of: ({ waitSeconds }) => seconds(waitSeconds.p50) },
            { name: text.waitP95, isNumber: true, of: ({ waitSeconds }) => seconds(waitSeconds.p95) },
            { name: text.runAverage, isNumber: true, of: ({ runSeconds }) => seconds(runSeconds.average) },
            { name: text.runP50, isNumber: true, of: ({ runSeconds }) => seconds(runSeconds.p50) },
            { name: text.runP95, isNumber: true, of: ({ runSeconds }) => seconds(runSeconds.p95) },
          ]}
        />
      )}
    </Section>
  );
}
