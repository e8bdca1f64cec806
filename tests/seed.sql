-- The two migrations of the seed (api-integration-layer.md), word for word.

-- Migration: create_integrations_table

CREATE TABLE public.integrations (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  
  -- Integration identification
  type TEXT NOT NULL,  -- 'treez', 'leafly', 'dutchie', etc.
  name TEXT NOT NULL,  -- Human-friendly name: "Treez - Main Store"
  
  -- Status
  is_active BOOLEAN NOT NULL DEFAULT true,
  
  -- API Configuration (encrypted in practice)
  config JSONB NOT NULL DEFAULT '{}',
  -- For Treez: { "api_key": "xxx", "dispensary_id": "yyy", "base_url": "https://api.treez.io/..." }
  
  -- Sync settings
  sync_enabled BOOLEAN NOT NULL DEFAULT false,
  sync_interval_minutes INTEGER DEFAULT 60,  -- For scheduled sync
  last_sync_at TIMESTAMPTZ,
  last_sync_status TEXT,  -- 'success', 'partial', 'failed'
  
  -- Metadata
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  created_by UUID REFERENCES public.budtenders(id)
);

-- Only one active integration per type (for MVP)
CREATE UNIQUE INDEX integrations_type_active_idx ON public.integrations(type) 
  WHERE is_active = true;

-- RLS: Only managers can view/manage integrations
ALTER TABLE public.integrations ENABLE ROW LEVEL SECURITY;

CREATE POLICY "integrations_select_manager" ON public.integrations
  FOR SELECT TO authenticated
  USING ((SELECT role FROM public.budtenders WHERE auth_user_id = auth.uid()) = 'manager');

CREATE POLICY "integrations_insert_manager" ON public.integrations
  FOR INSERT TO authenticated
  WITH CHECK ((SELECT role FROM public.budtenders WHERE auth_user_id = auth.uid()) = 'manager');

CREATE POLICY "integrations_update_manager" ON public.integrations
  FOR UPDATE TO authenticated
  USING ((SELECT role FROM public.budtenders WHERE auth_user_id = auth.uid()) = 'manager');

CREATE POLICY "integrations_delete_manager" ON public.integrations
  FOR DELETE TO authenticated
  USING ((SELECT role FROM public.budtenders WHERE auth_user_id = auth.uid()) = 'manager');

COMMENT ON TABLE public.integrations IS 'API integration configurations for external systems like Treez.';
COMMENT ON COLUMN public.integrations.config IS 'API credentials and settings. Should be treated as sensitive.';

-- Migration: create_sync_logs_table

CREATE TABLE public.sync_logs (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  
  -- What integration
  integration_id UUID NOT NULL REFERENCES public.integrations(id) ON DELETE CASCADE,
  
  -- Sync details
  sync_type TEXT NOT NULL,  -- 'manual', 'scheduled', 'webhook'
  status TEXT NOT NULL,  -- 'running', 'success', 'partial', 'failed'
  
  -- Results
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  completed_at TIMESTAMPTZ,
  duration_ms INTEGER,
  
  -- Stats
  products_fetched INTEGER DEFAULT 0,
  products_created INTEGER DEFAULT 0,
  products_updated INTEGER DEFAULT 0,
  products_unchanged INTEGER DEFAULT 0,
  errors_count INTEGER DEFAULT 0,
  
  -- Details
  error_message TEXT,
  error_details JSONB,  -- Stack traces, API responses, etc.
  summary JSONB,  -- { "new_products": ["id1", "id2"], "updated": [...], ... }
  
  -- Who triggered
  triggered_by UUID REFERENCES public.budtenders(id)
);

-- Index for queries
CREATE INDEX sync_logs_integration_idx ON public.sync_logs(integration_id);
CREATE INDEX sync_logs_started_at_idx ON public.sync_logs(started_at DESC);

-- RLS: Same as integrations (managers only)
ALTER TABLE public.sync_logs ENABLE ROW LEVEL SECURITY;

CREATE POLICY "sync_logs_select_manager" ON public.sync_logs
  FOR SELECT TO authenticated
  USING ((SELECT role FROM public.budtenders WHERE auth_user_id = auth.uid()) = 'manager');

-- Insert allowed for service role (Edge Functions)
CREATE POLICY "sync_logs_insert_service" ON public.sync_logs
  FOR INSERT TO service_role
  WITH CHECK (true);

CREATE POLICY "sync_logs_update_service" ON public.sync_logs
  FOR UPDATE TO service_role
  USING (true);

COMMENT ON TABLE public.sync_logs IS 'History of sync operations for debugging and monitoring.';
