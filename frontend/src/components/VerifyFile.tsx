import type { Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { CopyButton } from "./CopyButton.tsx";
import { fileNameOf } from "./jobs.ts";
import { crc32Command, sha256Command, testCommand } from "./verification.ts";

/** The checksums of a result that are known, each with a command that compares it. */
export function VerifyFile({ job }: { job: Job }) {
  const { checksum = null, sha256 = null, kind } = job.detail?.result ?? {};
  if (checksum === null && sha256 === null) return null;
  const name = fileNameOf(job);
  const text = texts.ready;
  return (
    <details className="verify">
      <summary>{text.verify}</summary>
      <dl>
        {sha256 !== null && (
          <Checksum name={text.verifySha256} value={sha256} commands={[sha256Command(name, sha256)]} />
        )}
        {checksum !== null && sha256 === null && (
          <Checksum
            name={text.verifyCrc32}
            value={checksum.value}
            commands={kind === "bundle" ? [testCommand(name), crc32Command(name)] : [crc32Command(name)]}
          />
        )}
      </dl>
      {kind === "bundle" && sha256 === null && <p className="fine">{text.verifyBundle}</p>}
    </details>
  );
}

function Checksum({ name, value, commands }: { name: string; value: string; commands: readonly string[] }) {
  const text = texts.ready;
  return (
    <>
      <dt>{name}</dt>
      <dd className="copyable">
        <code>{value}</code>
        <CopyButton text={value}>{texts.copy}</CopyButton>
      </dd>
      <dt>{text.verifyWith}</dt>
      {commands.map((command) => (
        <dd key={command} className="copyable">
          <code>{command}</code>
          <CopyButton text={command}>{text.copyCommand}</CopyButton>
        </dd>
      ))}
    </>
  );
}
