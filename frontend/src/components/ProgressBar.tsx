interface Props {
  label: string;
  /** 0 to 100; null while unknown. */
  percent: number | null;
  /** Replaces the bare number for screen readers. */
  valueText: string;
  tone?: "going" | "waiting" | "done" | "bad" | "still";
}

export function ProgressBar({ label, percent, valueText, tone = "going" }: Props) {
  const width = percent ?? 0;
  return (
    <div
      className="bar"
      data-tone={tone}
      data-unknown={percent === null || undefined}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent === null ? undefined : Math.floor(percent)}
      aria-valuetext={valueText}
    >
      <div className="bar-fill" style={percent === null ? undefined : { transform: `scaleX(${width / 100})` }} />
    </div>
  );
}
