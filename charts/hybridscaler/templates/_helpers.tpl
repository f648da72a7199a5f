{{/* The release's name, with the chart's name in it once. */}}
{{- define "hybridscaler.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What a selector may rely on: never changes over the life of a release. */}}
{{- define "hybridscaler.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hybridscaler.labels" -}}
{{ include "hybridscaler.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "hybridscaler.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The operator's configuration file: `config` as given, and the kinds that the ClusterRole admits. */}}
{{- define "hybridscaler.config" -}}
scalableKinds:
  {{- range .Values.scalableKinds }}
  - apiGroup: {{ .apiGroup | quote }}
    kinds: [{{ .kind }}]
  {{- else }} []
  {{- end }}
{{- with .Values.config }}
{{ toYaml . }}
{{- end }}
{{- end -}}
