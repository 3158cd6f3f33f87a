{{- define "haulage.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* Labels by which selectors find pods. They can't change after the installation. Takes `root` and `component`. */ -}}
{{- define "haulage.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "haulage.labels" -}}
{{ include "haulage.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* The path below which clients reach Haulage, as `/haulage`; empty without one. */ -}}
{{- define "haulage.path" -}}
{{- $path := .Values.settings.ROOT_PATH | default (get (urlParse (default "" .Values.settings.PUBLIC_URL)) "path") | trimAll "/" -}}
{{- with $path }}/{{ . }}{{ end -}}
{{- end -}}

{{- /* Takes `root` and, if there are any, `values` of the component. */ -}}
{{- define "haulage.image" -}}
{{ .root.Values.image.repository }}:{{ dig "imageTag" "" (default dict .values) | default .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{- /* A group of workers with all of its values: its own, or else those of `worker`. Takes `root` and `group`; YAML.

`merge` would take `false` and 0 for values that are not there. */ -}}
{{- define "haulage.worker" -}}
{{- $worker := deepCopy .root.Values.worker -}}
{{- range $name, $value := .group -}}
{{- if and (has $name (list "autoscaling" "settings")) (kindIs "map" $value) -}}
{{- range $key, $own := $value -}}
{{- $_ := set (get $worker $name) $key $own -}}
{{- end -}}
{{- else -}}
{{- $_ := set $worker $name $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $worker -}}
{{- end -}}

{{- /* The environment of a container: common settings, those of `values.settings`, which replace them, and `own`, those that the chart
sets for this process. Takes `root`, `own` and, if there are any, `values` of the component. */ -}}
{{- define "haulage.env" -}}
{{- $values := .root.Values -}}
{{- $own := deepCopy .own -}}
{{- if $values.metrics.enabled -}}
{{- $_ := set $own "METRICS_PORT" $values.metrics.port -}}
{{- $_ := set $own "METRICS_HOST" "0.0.0.0" -}}
{{- end -}}
{{- $secret := list "DATABASE_URL" "S3_ACCESS_KEY_ID" "S3_SECRET_ACCESS_KEY" -}}
{{- if ne (dig "QUEUE" "redis" $values.settings) "postgres" -}}
{{- $secret = append $secret "REDIS_URL" -}}
{{- end -}}
{{- range $name := concat $secret $values.secretSettings }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $values.existingSecret }}
      key: {{ $name }}
{{- end }}
{{- $settings := deepCopy $values.settings -}}
{{- range $more := list (dig "settings" dict (default dict .values)) $own -}}
{{- range $name, $value := $more -}}{{- $_ := set $settings $name $value -}}{{- end -}}
{{- end -}}
{{- range $name, $value := $settings }}
{{- if not (has $name $values.secretSettings) }}
- name: {{ $name }}
  value: {{ ternary $value (toJson $value) (kindIs "string" $value) | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* What containers of Haulage have in common. Takes `args` and what `haulage.env` takes. */ -}}
{{- define "haulage.container" -}}
image: {{ include "haulage.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: {{ toJson .args }}
env:
  {{- include "haulage.env" . | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- /* What pods of Haulage have in common. Takes `root`. */ -}}
{{- define "haulage.pod" -}}
serviceAccountName: {{ .root.Values.serviceAccountName }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- /* Where pods are placed. Takes `root`, `component` and `values` of the component. */ -}}
{{- define "haulage.placement" -}}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "haulage.selector" $ | nindent 8 }}
  {{- end }}
{{- range $name := list "nodeSelector" "tolerations" "affinity" }}
{{- with get $.values $name }}
{{ $name }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* The init container that migrates. Takes `root`. */ -}}
{{- define "haulage.migrateFirst" -}}
{{- if eq .root.Values.migrate.mode "initContainer" }}
initContainers:
  - name: migrate
    {{- include "haulage.container" (dict "root" .root "own" dict "args" (include "haulage.migrateArgs" .root | fromJsonArray)) | nindent 4 }}
    resources:
      {{- toYaml .root.Values.gateway.resources | nindent 6 }}
    {{- with .root.Values.extraVolumeMounts }}
    volumeMounts:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}
{{- end -}}

{{- define "haulage.migrateArgs" -}}
{{- $args := list "migrate" -}}
{{- if .Values.migrate.createBucket -}}{{- $args = append $args "--create-bucket" -}}{{- end -}}
{{- with .Values.migrate.createAdmin -}}{{- $args = concat $args (list "--create-admin" .) -}}{{- end -}}
{{- toJson $args -}}
{{- end -}}

{{- define "haulage.podMetadata" -}}
labels:
  {{- include "haulage.labels" . | nindent 2 }}
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .root.Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Ports of a container. Takes `root` and `http`, its port for requests, 0 for none. */ -}}
{{- define "haulage.ports" -}}
{{- if or .http .root.Values.metrics.enabled }}
ports:
  {{- with .http }}
  - name: http
    containerPort: {{ . }}
  {{- end }}
  {{- if .root.Values.metrics.enabled }}
  - name: metrics
    containerPort: {{ .root.Values.metrics.port }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /* Fails if any client in a private network could choose its address: such clients reach a server that is not only reached
through the cluster's own proxies. Takes `root`, `component` and `values`. */ -}}
{{- define "haulage.checkProxies" -}}
{{- $wide := list "*" "0.0.0.0/0" "::/0" "10.0.0.0/8" "172.16.0.0/12" "192.168.0.0/16" "fc00::/7" "fd00::/8" -}}
{{- range regexSplit "[,\\s]+" (toString (default "" .root.Values.settings.TRUSTED_PROXIES)) -1 -}}
{{- if and (has (lower .) $wide) (ne $.values.service.type "ClusterIP") -}}
{{- fail (printf "settings.TRUSTED_PROXIES has %s, and %s.service.type is %s: clients with such an address could forge X-Forwarded-For. Name the network of your proxies only" . $.component $.values.service.type) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Deployment and Service of a server. Takes `root`, `component`, `values`, `replicas` (none: not set), `args`, `own` (settings),
`port`, and `grace`, the seconds from SIGTERM until it has certainly ended. */ -}}
{{- define "haulage.server" -}}
{{- include "haulage.checkProxies" . }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "haulage.fullname" .root }}-{{ .component }}
  labels:
    {{- include "haulage.labels" . | nindent 4 }}
spec:
  {{- with .replicas }}
  replicas: {{ . }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "haulage.selector" . | nindent 6 }}
  strategy:
    type: RollingUpdate
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  template:
    metadata:
      {{- include "haulage.podMetadata" . | nindent 6 }}
    spec:
      {{- include "haulage.pod" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ add .values.preStopSeconds .grace }}
      {{- include "haulage.placement" . | nindent 6 }}
      {{- include "haulage.migrateFirst" . | nindent 6 }}
      containers:
        - name: {{ .component }}
          {{- include "haulage.container" . | nindent 10 }}
          {{- include "haulage.ports" (dict "root" .root "http" .port) | nindent 10 }}
          startupProbe:
            httpGet: { path: /health/live, port: http }
            periodSeconds: 2
            timeoutSeconds: 4
            failureThreshold: 60
          livenessProbe:
            httpGet: { path: /health/live, port: http }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          # A gateway that shuts down is not ready, and one without its database neither.
          readinessProbe:
            httpGet: { path: /health/ready, port: http }
            periodSeconds: 5
            timeoutSeconds: 5
            failureThreshold: 2
          {{- with .values.preStopSeconds }}
          lifecycle:
            preStop:
              sleep: { seconds: {{ . }} }
          {{- end }}
          resources:
            {{- toYaml .values.resources | nindent 12 }}
          {{- with .root.Values.extraVolumeMounts }}
          volumeMounts:
            {{- toYaml . | nindent 12 }}
          {{- end }}
      {{- with .root.Values.extraVolumes }}
      volumes:
        {{- toYaml . | nindent 8 }}
      {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ include "haulage.fullname" .root }}-{{ .component }}
  labels:
    {{- include "haulage.labels" . | nindent 4 }}
  {{- with .values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ .values.service.type }}
  selector:
    {{- include "haulage.selector" . | nindent 4 }}
  ports:
    - name: http
      port: {{ .values.service.port }}
      targetPort: http
{{- end -}}
