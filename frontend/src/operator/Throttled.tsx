import { count } from "../components/formats.ts";
import { RelativeTime } from "../components/RelativeTime.tsx";
import { operatorTexts } from "../operatorTexts.ts";
import { Section } from "./Section.tsx";
import type { Throttled as Refused } from "./schemas.ts";
import { Table } from "./Table.tsx";

/** Who was refused something for having had too much of it. */
export function Throttled({ throttled }: { throttled: readonly Refused[] }) {
  const text = operatorTexts.throttled;
  return (
    <Section title={text.title}>
      {throttled.length === 0 ? (
        <p className="empty">{text.none}</p>
      ) : (
        <Table
          label={text.title}
          items={throttled}
          keyOf={({ owner, limit }) => `${owner} ${limit}`}
          columns={[
            { name: text.owner, isTitle: true, of: ({ owner }) => <strong>{owner}</strong> },
            { name: text.limit, of: ({ limit }) => limit },
            { name: text.count, isNumber: true, of: ({ count: refused }) => count(refused) },
            { name: text.last, of: ({ lastAt }) => <RelativeTime at={lastAt} sentence={(when) => when} /> },
          ]}
        />
      )}
    </Section>
  );
}
